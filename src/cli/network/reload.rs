//! `network reload`.

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::Outcome;
use crate::output::error;

/// `network reload`.
pub static SPEC: Spec = Spec {
    usage: "[NETWORK...]",
    about: "Repair bridges, firewall and published ports that others removed",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "rbox network reload  # after `nft flush ruleset`, say\n",
    ..Spec::of::<Reload>()
};

#[derive(clap::Parser)]
struct Reload {
    #[arg(hide = true)]
    networks: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Reload = call.parse()?;
    let reloaded = call.engine()?.reload_networks(&line.networks)?;
    for network in &reloaded.networks {
        say(&format!("network {network}\n"));
    }
    for (container, parts) in &reloaded.containers {
        say(&format!("container {container}: {}\n", parts.join(", ")));
    }
    for failure in &reloaded.failures {
        error::print(failure);
    }
    Ok(u8::from(!reloaded.failures.is_empty()))
}
