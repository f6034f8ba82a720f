//! `compose cp`.

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::container::cp::{End, copy, ends, tell};
use crate::cli::stop::{Outcome, Stop};
use crate::engine::copy::CopyOptions;

/// `compose cp`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] SERVICE:SRC_PATH DEST_PATH|-",
    about: "Copy files/folders between a service container and the local filesystem",
    arity: Arity::Exactly(2),
    interspersed: true,
    run,
    examples: "\
rbox compose cp app.conf web:/etc/app.conf
rbox compose cp --index 2 worker:/var/log/. ./logs
",
    ..Spec::of::<Cp>()
};

#[derive(clap::Parser)]
struct Cp {
    /// Archive mode (copy all uid/gid information)
    #[arg(short, long)]
    archive: bool,
    /// Always follow symbol link in SRC_PATH
    #[arg(short = 'L', long)]
    follow_link: bool,
    /// Index of the container if service has multiple replicas
    #[arg(
        long,
        value_name = "int",
        default_value = "0",
        hide_default_value = true
    )]
    index: u32,
    #[arg(hide = true)]
    source: String,
    #[arg(hide = true)]
    destination: String,
}

fn run(call: &Call) -> Outcome {
    let line: Cp = call.parse()?;
    let options = CopyOptions {
        archive: line.archive,
        follow: line.follow_link,
    };
    let (from, to) = ends(&line.source, &line.destination)?;
    let session = Session::open(call, &[], Files::NameWillDo)?;
    match (from, to) {
        (End::Container(service, path), to) => {
            let container = session.one(service, line.index)?;
            let from = End::Container(container.id(), path);
            if let Some(copied) = copy(&session.engine, from, to, options)? {
                tell(&copied, &line.destination, false);
            }
        }
        (from, End::Container(service, path)) => {
            session.check(&[service.to_owned()])?;
            let mut containers = session.of(&[service.to_owned()])?;
            containers.retain(|one| line.index == 0 || one.number == line.index);
            if from == End::Stream {
                // What comes by a pipe comes once.
                containers.truncate(1);
            }
            if containers.is_empty() {
                return Err(Stop::failed(format!(
                    "no container found for service {service:?}"
                )));
            }
            for container in containers {
                let to = End::Container(container.id(), path);
                if let Some(copied) = copy(&session.engine, from, to, options)? {
                    tell(&copied, &line.destination, false);
                }
            }
        }
        _ => {}
    }
    Ok(0)
}
