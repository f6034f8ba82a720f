//! `pause`.

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::side_by_side::side_by_side;
use crate::cli::stop::Outcome;

/// `pause`.
pub static SPEC: Spec = Spec {
    usage: "CONTAINER [CONTAINER...]",
    about: "Pause all processes within one or more containers",
    arity: Arity::AtLeast(1),
    interspersed: true,
    run,
    examples: "rbox pause web",
    ..Spec::of::<Pause>()
};

#[derive(clap::Parser)]
struct Pause {
    #[arg(hide = true)]
    containers: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Pause = call.parse()?;
    let engine = call.engine()?;
    Ok(side_by_side(
        &line.containers,
        |name| engine.pause(name),
        |_| false,
    ))
}
