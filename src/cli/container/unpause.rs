//! `unpause`.

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::{Outcome, each};

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
    Ok(each(&line.containers, |name| {
        engine.unpause(name)?;
        Ok(name.clone())
    }))
}
