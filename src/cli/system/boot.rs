//! `system boot`.

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::Outcome;
use crate::output::error;

/// `system boot`.
pub static SPEC: Spec = Spec {
    usage: "",
    about: "Start the containers whose restart policy asks for it, after the machine has started",
    arity: Arity::Exactly(0),
    interspersed: true,
    run,
    examples: "rbox system boot  # what rbox.service does",
    ..Spec::of::<Boot>()
};

#[derive(clap::Parser)]
struct Boot {}

fn run(call: &Call) -> Outcome {
    let Boot {} = call.parse()?;
    let booted = call.engine()?.boot()?;
    for name in &booted.started {
        say(&format!("{name}\n"));
    }
    for failure in &booted.failures {
        error::print(failure);
    }
    Ok(u8::from(!booted.failures.is_empty()))
}
