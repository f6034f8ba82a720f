//! `push`.

use rbox_images::{Observer, Platform, Reference, Silent};

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::{Outcome, Stop};
use crate::output::transfer::Progress;

/// `push`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] NAME[:TAG]",
    about: "Upload an image to a registry",
    arity: Arity::Exactly(1),
    interspersed: true,
    run,
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
    let platform = line
        .platform
        .as_deref()
        .filter(|text| !text.is_empty())
        .map(str::parse::<Platform>)
        .transpose()
        .map_err(Stop::failed)?;
    let mut name = Reference::parse_bare(&line.name).map_err(Stop::failed)?;
    let is_bare = name.tag().is_none() && name.digest().is_none();
    if line.all_tags && !is_bare {
        return Err(Stop::failed("tag can't be used with --all-tags/-a"));
    }
    if !line.all_tags && is_bare {
        name = name.with_default_tag();
        if !line.quiet {
            say(&format!(
                "Using default tag: {}\n",
                name.tag().unwrap_or_default()
            ));
        }
    }
    let progress: Box<dyn Observer> = if line.quiet {
        Box::new(Silent)
    } else {
        Box::new(Progress::on_stdout())
    };
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
