//! `pull`.

use rbox_images::{Observer, Platform, Reference, Silent};

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::{Outcome, Stop};
use crate::output::transfer::Progress;

/// `pull`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
    about: "Download an image from a registry",
    arity: Arity::Exactly(1),
    interspersed: true,
    run,
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
        engine.pull_all_tags(&name, platform.as_ref(), &*progress)?;
    } else {
        engine.pull(&name, platform.as_ref(), &*progress)?;
    }
    say(&format!("{name}\n"));
    Ok(0)
}
