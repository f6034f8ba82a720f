//! `network rm`.

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::{Outcome, is_absent};
use crate::output::error;

/// `network rm`.
pub static SPEC: Spec = Spec {
    usage: "NETWORK [NETWORK...]",
    about: "Remove one or more networks",
    arity: Arity::AtLeast(1),
    interspersed: true,
    run,
    examples: "rbox network rm lan\n",
    ..Spec::of::<Rm>()
};

#[derive(clap::Parser)]
struct Rm {
    /// Do not error if the network does not exist
    #[arg(short, long)]
    force: bool,
    #[arg(hide = true)]
    networks: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Rm = call.parse()?;
    let engine = call.engine()?;
    let mut code = 0;
    for name in &line.networks {
        match engine.remove_network(name) {
            Ok(()) => say(&format!("{name}\n")),
            Err(failure) if line.force && is_absent(&failure) => {}
            Err(failure) => {
                error::print(&failure);
                code = 1;
            }
        }
    }
    Ok(code)
}
