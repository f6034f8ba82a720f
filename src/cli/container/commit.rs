//! `commit`.

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::parse::image;
use crate::cli::stop::{Outcome, Stop};
use crate::engine::commit::CommitRequest;

/// `commit`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
    about: "Create a new image from a container's changes",
    arity: Arity::Between(1, 2),
    interspersed: true,
    run,
    examples: "\
rbox commit web web:patched
rbox commit -m \"nginx tuned\" -c \"CMD nginx -g 'daemon off;'\" web web:tuned
",
    ..Spec::of::<Commit>()
};

#[derive(clap::Parser)]
struct Commit {
    /// Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")
    #[arg(
        short,
        long,
        value_name = "string",
        default_value = "",
        hide_default_value = true
    )]
    author: String,
    /// Apply Dockerfile instruction to the created image
    #[arg(short, long, value_name = "list")]
    change: Vec<String>,
    /// Commit message
    #[arg(
        short,
        long,
        value_name = "string",
        default_value = "",
        hide_default_value = true
    )]
    message: String,
    /// Pause container during commit
    #[arg(
        short,
        long,
        action = clap::ArgAction::Set,
        num_args = 0..=1,
        require_equals = true,
        default_value = "true",
        default_missing_value = "true"
    )]
    pause: bool,
    /// Disable pausing container during commit
    #[arg(long = "no-pause")]
    no_pause: bool,
    #[arg(hide = true)]
    container: String,
    #[arg(hide = true)]
    reference: Option<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Commit = call.parse()?;
    let reference = image::optional_name(line.reference.as_deref()).map_err(Stop::failed)?;
    if reference
        .as_ref()
        .is_some_and(|name| name.digest().is_some())
    {
        return Err(Stop::failed("cannot commit to digest reference"));
    }
    let changes = image::changes(&line.change).map_err(Stop::failed)?;
    let id = call.engine()?.commit(&CommitRequest {
        container: line.container,
        reference,
        author: line.author,
        message: line.message,
        changes,
        pause: line.pause && !line.no_pause,
    })?;
    say(&format!("{id}\n"));
    Ok(0)
}
