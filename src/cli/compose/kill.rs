//! `compose kill`.

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::Outcome;

/// `compose kill`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [SERVICE...]",
    about: "Force stop service containers",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox compose kill
rbox compose kill -s SIGHUP web
",
    ..Spec::of::<Kill>()
};

#[derive(clap::Parser)]
struct Kill {
    /// Remove containers for services not defined in the Compose file
    #[arg(long)]
    remove_orphans: bool,
    /// SIGNAL to send to the container
    #[arg(short, long, value_name = "string", default_value = "SIGKILL")]
    signal: String,
    #[arg(hide = true)]
    services: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Kill = call.parse()?;
    let session = Session::open(call, &line.services, Files::NameWillDo)?;
    session.work("Killing", |composer| {
        composer.kill(&line.services, &line.signal, line.remove_orphans)
    })?;
    Ok(0)
}
