//! `compose commit`.

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::parse::image;
use crate::cli::stop::{Outcome, Stop};
use crate::engine::commit::CommitRequest;

/// `compose commit`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] SERVICE [REPOSITORY[:TAG]]",
    about: "Create a new image from a service container's changes",
    arity: Arity::Between(1, 2),
    interspersed: true,
    run,
    examples: "\
rbox compose commit web web:patched
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
    /// index of the container if service has multiple replicas.
    #[arg(
        long,
        value_name = "int",
        default_value = "0",
        hide_default_value = true
    )]
    index: u32,
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
    #[arg(short, long, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value = "true", default_missing_value = "true")]
    pause: bool,
    #[arg(hide = true)]
    service: String,
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
    let session = Session::open(call, &[], Files::NameWillDo)?;
    let container = session.one(&line.service, line.index)?;
    let id = session.engine.commit(&CommitRequest {
        container: container.id().to_owned(),
        reference,
        author: line.author,
        message: line.message,
        changes,
        pause: line.pause,
    })?;
    say(&format!("{id}\n"));
    Ok(0)
}
