//! `container inspect`.

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::Outcome;
use crate::cli::system::inspect::print;

/// `container inspect`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Display detailed information on one or more containers",
    arity: Arity::AtLeast(1),
    interspersed: true,
    run,
    examples: "\
rbox container inspect web
rbox container inspect -f '{{.State.Status}}' web
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
    /// Display total file sizes
    #[arg(short, long)]
    size: bool,
    #[arg(hide = true)]
    containers: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Inspect = call.parse()?;
    let engine = call.engine()?;
    print(&line.format, &line.containers, |name| match line.size {
        true => engine.inspect_with_size(name),
        false => engine.inspect(name),
    })
}
