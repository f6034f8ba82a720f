//! `volume rm`.

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::{Outcome, each};

/// `volume rm`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] VOLUME [VOLUME...]",
    about: "Remove one or more volumes",
    arity: Arity::AtLeast(1),
    interspersed: true,
    run,
    examples: "rbox volume rm data\n",
    ..Spec::of::<Rm>()
};

#[derive(clap::Parser)]
struct Rm {
    /// Force the removal of one or more volumes
    #[arg(short, long)]
    force: bool,
    #[arg(hide = true)]
    volumes: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Rm = call.parse()?;
    let engine = call.engine()?;
    Ok(each(&line.volumes, |name| {
        engine
            .remove_volume(name, line.force)
            .map(|()| name.clone())
    }))
}
