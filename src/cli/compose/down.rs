//! `compose down`.

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::parse::{Invalid, number};
use crate::cli::stop::Outcome;
use crate::compose::request::{DownOptions, Images};

/// `compose down`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [SERVICES]",
    about: "Stop and remove containers, networks",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox compose down
rbox compose down -v --rmi local  # with volumes and built images
",
    ..Spec::of::<Down>()
};

#[derive(clap::Parser)]
struct Down {
    /// Remove containers for services not defined in the Compose file
    #[arg(long)]
    remove_orphans: bool,
    /// Remove images used by services. "local" remove only images that don't have a custom tag ("local"|"all")
    #[arg(long, value_name = "string", value_parser = images)]
    rmi: Option<Images>,
    /// Specify a shutdown timeout in seconds
    #[arg(short, long, value_name = "int", value_parser = number::integer)]
    timeout: Option<i64>,
    /// Remove named volumes declared in the "volumes" section of the Compose file and anonymous volumes attached to containers
    #[arg(short, long)]
    volumes: bool,
    #[arg(hide = true)]
    services: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Down = call.parse()?;
    let session = Session::open(call, &line.services, Files::NameWillDo)?;
    let options = DownOptions {
        services: line.services,
        remove_orphans: line.remove_orphans || session.orphans_go(),
        timeout: line.timeout,
        volumes: line.volumes,
        images: line.rmi.unwrap_or_default(),
    };
    session.work("Running", |composer| composer.down(&options))?;
    Ok(0)
}

fn images(text: &str) -> Result<Images, Invalid> {
    match text {
        "" => Ok(Images::Keep),
        "local" => Ok(Images::Local),
        "all" => Ok(Images::All),
        _ => Err(Invalid(format!(
            "invalid value for --rmi: {text:?}: it is local or all"
        ))),
    }
}
