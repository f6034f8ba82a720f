//! `compose unpause`.

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::Outcome;

/// `compose unpause`.
pub static SPEC: Spec = Spec {
    usage: "[SERVICE...]",
    about: "Unpause services",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox compose unpause
rbox compose unpause web
",
    ..Spec::of::<Unpause>()
};

#[derive(clap::Parser)]
struct Unpause {
    #[arg(hide = true)]
    services: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Unpause = call.parse()?;
    let session = Session::open(call, &line.services, Files::NameWillDo)?;
    session.work("Unpausing", |composer| composer.unpause(&line.services))?;
    Ok(0)
}
