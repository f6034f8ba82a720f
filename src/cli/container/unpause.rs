//! `unpause`.

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::side_by_side::side_by_side;
use crate::cli::stop::Outcome;

/// `unpause`.
pub static SPEC: Spec = Spec {
    usage: "CONTAINER [CONTAINER...]",
    about: "Unpause all processes within one or more containers",
    arity: Arity::AtLeast(1),
    interspersed: true,
    run,
    examples: "rbox unpause web",
    ..Spec::of::<Unpause>()
};

#[derive(clap::Parser)]
struct Unpause {
    #[arg(hide = true)]
    containers: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Unpause = call.parse()?;
    let engine = call.engine()?;
    Ok(side_by_side(
        &line.containers,
        |name| engine.unpause(name),
        |_| false,
    ))
}
