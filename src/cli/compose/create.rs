//! `compose create`.

use super::making::Making;
use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::Outcome;

/// `compose create`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [SERVICE...]",
    about: "Creates containers for a service",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox compose create
rbox compose create --force-recreate web
",
    ..Spec::of::<Create>()
};

#[derive(clap::Parser)]
struct Create {
    #[command(flatten)]
    making: Making,
    #[arg(hide = true)]
    services: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Create = call.parse()?;
    let mut session = Session::open(call, &line.services, Files::Needed)?;
    session.quiet_pull = line.making.quiet_pull;
    let options = line.making.options(&session, line.services)?;
    session.work("Creating", |composer| composer.create(&options))?;
    Ok(0)
}
