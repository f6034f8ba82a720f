//! `pull`.

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::parse::image;
use crate::cli::stop::{Outcome, Stop};
use crate::output::transfer::Progress;

/// `pull`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
    about: "Download an image from a registry",
    arity: Arity::Exactly(1),
    interspersed: true,
    run,
    examples: "\
rbox pull alpine
rbox pull registry.example.com:5000/team/app:1.2
",
    ..Spec::of::<Pull>()
};

#[derive(clap::Parser)]
struct Pull {
    /// Download all tagged images in the repository
    #[arg(short, long)]
    all_tags: bool,
    /// Set platform if server is multi-platform capable
    #[arg(long, value_name = "string")]
    platform: Option<String>,
    /// Suppress verbose output
    #[arg(short, long)]
    quiet: bool,
    #[arg(hide = true)]
    name: String,
}

fn run(call: &Call) -> Outcome {
    let line: Pull = call.parse()?;
    let platform = image::platform(line.platform.as_deref()).map_err(Stop::failed)?;
    let (name, filled_in) = image::to_transfer(&line.name, line.all_tags).map_err(Stop::failed)?;
    let progress = Progress::unless(line.quiet);
    if filled_in {
        progress.line("Using default tag: latest");
    }
    let engine = call.engine()?;
    if line.all_tags {
        engine.pull_all_tags(&name, platform.as_ref(), &*progress)?;
    } else {
        engine.pull(&name, platform.as_ref(), &*progress)?;
    }
    say(&format!("{name}\n"));
    Ok(0)
}
