//! `wait`.

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::{Outcome, each};

/// `wait`.
pub static SPEC: Spec = Spec {
    usage: "CONTAINER [CONTAINER...]",
    about: "Block until one or more containers stop, then print their exit codes",
    arity: Arity::AtLeast(1),
    interspersed: true,
    run,
    examples: "rbox wait job  # prints its exit code\n",
    ..Spec::of::<Wait>()
};

#[derive(clap::Parser)]
struct Wait {
    #[arg(hide = true)]
    containers: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Wait = call.parse()?;
    let engine = call.engine()?;
    Ok(each(&line.containers, |name| {
        engine.wait(name).map(|code| code.to_string())
    }))
}
