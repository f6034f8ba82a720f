//! `kill`.

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::side_by_side::side_by_side;
use crate::cli::stop::Outcome;

/// `kill`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Kill one or more running containers",
    arity: Arity::AtLeast(1),
    interspersed: true,
    run,
    examples: "\
rbox kill web
rbox kill -s HUP web  # reload, for many servers
",
    ..Spec::of::<Kill>()
};

#[derive(clap::Parser)]
struct Kill {
    /// Signal to send to the container
    #[arg(
        short,
        long,
        value_name = "string",
        default_value = "KILL",
        hide_default_value = true
    )]
    signal: String,
    #[arg(hide = true)]
    containers: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Kill = call.parse()?;
    let engine = call.engine()?;
    Ok(side_by_side(
        &line.containers,
        |name| engine.kill(name, &line.signal),
        |_| false,
    ))
}
