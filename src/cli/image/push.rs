//! `push`.

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::parse::image;
use crate::cli::stop::{Outcome, Stop};
use crate::output::transfer::Progress;

/// `push`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] NAME[:TAG]",
    about: "Upload an image to a registry",
    arity: Arity::Exactly(1),
    interspersed: true,
    run,
    examples: "\
rbox push registry.example.com/team/app:1.2
rbox push -a registry.example.com/team/app  # all its tags
",
    ..Spec::of::<Push>()
};

#[derive(clap::Parser)]
struct Push {
    /// Push all tags of an image to the repository
    #[arg(short, long)]
    all_tags: bool,
    /// Skip image signing (default true)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "true", action = clap::ArgAction::Set, hide_default_value = true)]
    disable_content_trust: bool,
    /// Push only if the image is for this platform
    #[arg(long, value_name = "string")]
    platform: Option<String>,
    /// Suppress verbose output
    #[arg(short, long)]
    quiet: bool,
    #[arg(hide = true)]
    name: String,
}

fn run(call: &Call) -> Outcome {
    let line: Push = call.parse()?;
    if !line.disable_content_trust {
        return Err(Stop::Unsupported(
            "--disable-content-trust=false".to_owned(),
        ));
    }
    let platform = image::platform(line.platform.as_deref()).map_err(Stop::failed)?;
    let (name, filled_in) = image::to_transfer(&line.name, line.all_tags).map_err(Stop::failed)?;
    let progress = Progress::unless(line.quiet);
    if filled_in {
        progress.line("Using default tag: latest");
    }
    let engine = call.engine()?;
    if line.all_tags {
        engine.push_all_tags(&name, platform.as_ref(), &*progress)?;
    } else {
        engine.push(&name, platform.as_ref(), &*progress)?;
    }
    if line.quiet {
        say(&format!("{name}\n"));
    }
    Ok(0)
}
