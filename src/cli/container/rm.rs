//! `rm`.

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::side_by_side::side_by_side;
use crate::cli::stop::{Outcome, is_absent};
use crate::engine::Failure;

/// `rm`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Remove one or more containers",
    arity: Arity::AtLeast(1),
    interspersed: true,
    run,
    examples: "\
rbox rm web
rbox rm -f web db  # running ones, too
",
    ..Spec::of::<Rm>()
};

#[derive(clap::Parser)]
struct Rm {
    /// Force the removal of a running container (uses SIGKILL)
    #[arg(short, long)]
    force: bool,
    /// Remove the specified link
    #[arg(short, long)]
    link: bool,
    /// Remove anonymous volumes associated with the container
    #[arg(short, long)]
    volumes: bool,
    #[arg(hide = true)]
    containers: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Rm = call.parse()?;
    let engine = call.engine()?;
    let remove = |name: &str| match (line.link, line.volumes) {
        (true, _) => engine.unlink(name),
        (false, true) => engine.remove_with_volumes(name, line.force),
        (false, false) => engine.remove(name, line.force),
    };
    // Forced, it is enough that it is not there.
    let forgive = |failure: &Failure| line.force && is_absent(failure);
    Ok(side_by_side(&line.containers, remove, forgive))
}
