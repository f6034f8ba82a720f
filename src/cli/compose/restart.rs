//! `compose restart`.

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::parse::number;
use crate::cli::stop::Outcome;

/// `compose restart`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [SERVICE...]",
    about: "Restart service containers",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox compose restart
rbox compose restart --no-deps web
",
    ..Spec::of::<Restart>()
};

#[derive(clap::Parser)]
struct Restart {
    /// Don't restart dependent services
    #[arg(long)]
    no_deps: bool,
    /// Specify a shutdown timeout in seconds
    #[arg(short, long, value_name = "int", value_parser = number::integer)]
    timeout: Option<i64>,
    #[arg(hide = true)]
    services: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Restart = call.parse()?;
    let session = Session::open(call, &line.services, Files::NameWillDo)?;
    session.work("Restarting", |composer| {
        composer.restart(&line.services, line.timeout, line.no_deps)
    })?;
    Ok(0)
}
