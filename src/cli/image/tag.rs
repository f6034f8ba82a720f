//! `tag`.

use rbox_images::Reference;

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::{Outcome, Stop};
use crate::output::go_text::quote;

/// `tag`.
pub static SPEC: Spec = Spec {
    usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    about: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
    arity: Arity::Exactly(2),
    interspersed: true,
    run,
    examples: "rbox tag app registry.example.com/team/app:1.2\n",
    ..Spec::of::<Tag>()
};

#[derive(clap::Parser)]
struct Tag {
    #[arg(hide = true)]
    source: String,
    #[arg(hide = true)]
    target: String,
}

fn run(call: &Call) -> Outcome {
    let line: Tag = call.parse()?;
    let target: Reference = line.target.parse().map_err(|error| {
        Stop::failed(format!(
            "Error parsing reference: {} is not a valid repository/tag: {error}",
            quote(&line.target)
        ))
    })?;
    call.engine()?.tag(&line.source, &target)?;
    Ok(0)
}
