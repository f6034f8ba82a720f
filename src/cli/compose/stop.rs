//! `compose stop`.

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::parse::number;
use crate::cli::stop::Outcome;

/// `compose stop`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [SERVICE...]",
    about: "Stop services",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox compose stop
rbox compose stop -t 30 db
",
    ..Spec::of::<Halt>()
};

#[derive(clap::Parser)]
struct Halt {
    /// Specify a shutdown timeout in seconds
    #[arg(short, long, value_name = "int", value_parser = number::integer)]
    timeout: Option<i64>,
    #[arg(hide = true)]
    services: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Halt = call.parse()?;
    let session = Session::open(call, &line.services, Files::NameWillDo)?;
    session.work("Stopping", |composer| {
        composer.stop(&line.services, line.timeout)
    })?;
    Ok(0)
}
