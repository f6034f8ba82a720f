//! `network disconnect`.

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::Outcome;

/// `network disconnect`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] NETWORK CONTAINER",
    about: "Disconnect a container from a network",
    arity: Arity::Exactly(2),
    interspersed: true,
    run,
    examples: "rbox network disconnect lan web\n",
    ..Spec::of::<Disconnect>()
};

#[derive(clap::Parser)]
struct Disconnect {
    /// Force the container to disconnect from a network
    #[arg(short, long)]
    force: bool,
    #[arg(hide = true)]
    network: String,
    #[arg(hide = true)]
    container: String,
}

fn run(call: &Call) -> Outcome {
    let line: Disconnect = call.parse()?;
    call.engine()?
        .disconnect(&line.network, &line.container, line.force)?;
    Ok(0)
}
