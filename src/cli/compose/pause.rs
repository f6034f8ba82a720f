//! `compose pause`.

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::Outcome;

/// `compose pause`.
pub static SPEC: Spec = Spec {
    usage: "[SERVICE...]",
    about: "Pause services",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox compose pause
rbox compose pause web
",
    ..Spec::of::<Pause>()
};

#[derive(clap::Parser)]
struct Pause {
    #[arg(hide = true)]
    services: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Pause = call.parse()?;
    let session = Session::open(call, &line.services, Files::NameWillDo)?;
    session.work("Pausing", |composer| composer.pause(&line.services))?;
    Ok(0)
}
