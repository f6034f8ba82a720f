//! `create`: a container that does not run yet.

use super::flags::ContainerFlags;
use super::image;
use super::request::Refused;
use super::run::{by_engine, dry_run, prepare, streams};
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::{Outcome, Stop};
use crate::output::error;

/// `create`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    about: "Create a new container",
    arity: Arity::AtLeast(1),
    interspersed: false,
    run,
    examples: "\
rbox create --name web -p 8080:80 nginx
rbox create --name db --network lan -v /srv/db:/var/lib/postgresql postgres
",
    ..Spec::of::<Create>()
};

#[derive(clap::Parser)]
struct Create {
    #[command(flatten)]
    container: ContainerFlags,
    #[arg(hide = true)]
    image: String,
    #[arg(hide = true)]
    command: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Create = call.parse()?;
    let mut request =
        prepare(&line.container, &line.image, &line.command).map_err(|refused| match refused {
            Refused::Client(failure) => Stop::Refused(failure),
            Refused::Engine(failure) => by_engine(failure),
        })?;
    request.attach = streams(&line.container);
    if line.container.dry_run {
        return dry_run(call, &request, false).map_err(by_engine);
    }
    let engine = call.engine()?;
    let created = image::create(&engine, &request, line.container.quiet).map_err(by_engine)?;
    for warning in &created.warnings {
        error::print_plain(warning);
    }
    say(&format!("{}\n", created.id));
    Ok(0)
}
