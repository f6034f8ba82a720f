//! `compose export`.

use std::path::PathBuf;

use super::session::{Files, Session};
use crate::cli::archive_output;
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::{Outcome, Stop};

/// `compose export`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] SERVICE",
    about: "Export a service container's filesystem as a tar archive",
    arity: Arity::Exactly(1),
    interspersed: true,
    run,
    examples: "\
rbox compose export -o web.tar web
",
    ..Spec::of::<Export>()
};

#[derive(clap::Parser)]
struct Export {
    /// index of the container if service has multiple replicas.
    #[arg(
        long,
        value_name = "int",
        default_value = "0",
        hide_default_value = true
    )]
    index: u32,
    /// Write to a file, instead of STDOUT
    #[arg(short, long, value_name = "string")]
    output: Option<PathBuf>,
    #[arg(hide = true)]
    service: String,
}

fn run(call: &Call) -> Outcome {
    let line: Export = call.parse()?;
    let session = Session::open(call, &[], Files::NameWillDo)?;
    let container = session.one(&line.service, line.index)?;
    archive_output::write(line.output.as_deref(), "export container", |out| {
        session
            .engine
            .export_container(container.id(), out)
            .map_err(Stop::from)
    })?;
    Ok(0)
}
