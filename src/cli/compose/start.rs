//! `compose start`.

use std::time::Duration;

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::Outcome;

/// `compose start`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [SERVICE...]",
    about: "Start services",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox compose start
rbox compose start --wait db
",
    ..Spec::of::<Start>()
};

#[derive(clap::Parser)]
struct Start {
    /// Wait for services to be running|healthy. Implies detached mode.
    #[arg(long)]
    wait: bool,
    /// Maximum duration in seconds to wait for the project to be running|healthy
    #[arg(
        long,
        value_name = "int",
        default_value = "0",
        hide_default_value = true
    )]
    wait_timeout: u64,
    #[arg(hide = true)]
    services: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Start = call.parse()?;
    let session = Session::open(call, &line.services, Files::NameWillDo)?;
    let wait_timeout = (line.wait_timeout > 0).then(|| Duration::from_secs(line.wait_timeout));
    session.work("Running", |composer| {
        composer.start(&line.services, line.wait.then_some(wait_timeout))
    })?;
    Ok(0)
}
