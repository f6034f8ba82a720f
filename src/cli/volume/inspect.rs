//! `volume inspect`.

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::Outcome;
use crate::cli::system::inspect::print;

/// `volume inspect`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] VOLUME [VOLUME...]",
    about: "Display detailed information on one or more volumes",
    arity: Arity::AtLeast(1),
    interspersed: true,
    run,
    examples: "\
rbox volume inspect data
rbox volume inspect -f '{{.Mountpoint}}' data
",
    ..Spec::of::<Inspect>()
};

#[derive(clap::Parser)]
struct Inspect {
    /// Format output using a custom template: 'json' or a Go template
    #[arg(
        short,
        long,
        value_name = "string",
        default_value = "",
        hide_default_value = true
    )]
    format: String,
    #[arg(hide = true)]
    volumes: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Inspect = call.parse()?;
    let engine = call.engine()?;
    print(&line.format, &line.volumes, |name| {
        engine.volume(name).map(|volume| volume.inspect())
    })
}
