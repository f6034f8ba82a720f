//! `network inspect`.

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::Outcome;
use crate::cli::system::inspect::print;

/// `network inspect`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] NETWORK [NETWORK...]",
    about: "Display detailed information on one or more networks",
    arity: Arity::AtLeast(1),
    interspersed: true,
    run,
    examples: "\
rbox network inspect lan
rbox network inspect -f '{{range .Containers}}{{.Name}} {{end}}' lan
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
    /// Verbose output for diagnostics
    #[arg(short, long)]
    verbose: bool,
    #[arg(hide = true)]
    networks: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Inspect = call.parse()?;
    let engine = call.engine()?;
    print(&line.format, &line.networks, |name| {
        engine.inspect_network(name)
    })
}
