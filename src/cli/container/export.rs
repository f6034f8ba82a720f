//! `export`.

use std::path::PathBuf;

use crate::cli::archive_output;
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::{Outcome, Stop};

/// `export`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] CONTAINER",
    about: "Export a container's filesystem as a tar archive",
    arity: Arity::Exactly(1),
    interspersed: true,
    run,
    examples: "\
rbox export -o web.tar web
rbox export web | tar t
",
    ..Spec::of::<Export>()
};

#[derive(clap::Parser)]
struct Export {
    /// Write to a file, instead of STDOUT
    #[arg(short, long, value_name = "string")]
    output: Option<PathBuf>,
    #[arg(hide = true)]
    container: String,
}

fn run(call: &Call) -> Outcome {
    let line: Export = call.parse()?;
    let engine = call.engine()?;
    archive_output::write(line.output.as_deref(), "export container", |out| {
        engine
            .export_container(&line.container, out)
            .map_err(Stop::from)
    })?;
    Ok(0)
}
