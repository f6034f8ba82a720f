//! `image inspect`.

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::Outcome;
use crate::cli::system::inspect::{image, print};

/// `image inspect`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    about: "Display detailed information on one or more images",
    arity: Arity::AtLeast(1),
    interspersed: true,
    run,
    examples: "\
rbox image inspect alpine
rbox image inspect -f '{{json .Config.Env}}' alpine
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
    images: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Inspect = call.parse()?;
    let engine = call.engine()?;
    print(&line.format, &line.images, |name| image(&engine, name))
}
