//! `compose rm`.

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::Outcome;
use crate::cli::system::prompt;
use crate::compose::request::RmOptions;

/// `compose rm`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [SERVICE...]",
    about: "Removes stopped service containers",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox compose rm -f
rbox compose rm -sfv web  # stop it first, and with its anonymous volumes
",
    ..Spec::of::<Remove>()
};

#[derive(clap::Parser)]
struct Remove {
    /// Don't ask to confirm removal
    #[arg(short, long)]
    force: bool,
    /// Stop the containers, if required, before removing
    #[arg(short, long)]
    stop: bool,
    /// Remove any anonymous volumes attached to containers
    #[arg(short, long)]
    volumes: bool,
    #[arg(hide = true)]
    services: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Remove = call.parse()?;
    let session = Session::open(call, &line.services, Files::NameWillDo)?;
    let options = RmOptions {
        services: line.services,
        stop: line.stop,
        volumes: line.volumes,
    };
    let named = session.quietly(|composer| composer.removable(&options))?;
    if named.is_empty() {
        say("No stopped containers\n");
        return Ok(0);
    }
    if !line.force {
        let names: Vec<&str> = named.iter().map(|container| container.name()).collect();
        say(&format!("Going to remove {}\n", names.join(", ")));
        if !prompt::agreed("Are you sure? [yN] ") {
            return Ok(0);
        }
    }
    session.work("Removing", |composer| composer.rm(&options))?;
    Ok(0)
}
