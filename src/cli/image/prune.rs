//! `image prune`.

use std::collections::BTreeMap;

use rbox_images::{Image, Removed};

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::container::prune::Chosen;
use crate::cli::parse::filter;
use crate::cli::stop::Outcome;
use crate::cli::system::{prompt, prune};
use crate::output::units;

/// `image prune`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS]",
    about: "Remove unused images",
    arity: Arity::Exactly(0),
    interspersed: true,
    run,
    examples: "\
rbox image prune
rbox image prune -a --filter until=240h
",
    ..Spec::of::<Prune>()
};

#[derive(clap::Parser)]
struct Prune {
    /// Remove all unused images, not just dangling ones
    #[arg(short, long)]
    all: bool,
    /// Provide filter values (e.g. "until=<timestamp>")
    #[arg(long, value_name = "filter", value_parser = filter::filter)]
    filter: Vec<(String, String)>,
    /// Do not prompt for confirmation
    #[arg(short, long)]
    force: bool,
}

fn run(call: &Call) -> Outcome {
    let line: Prune = call.parse()?;
    let chosen = Chosen::with(&line.filter, &["dangling", "label", "label!", "until"])?;
    // Docker's older way to say `--all`.
    let all = line.all || chosen.flag("dangling")? == Some(false);
    let warning = if all {
        "WARNING! This will remove all images without at least one container associated to them."
    } else {
        "WARNING! This will remove all dangling images."
    };
    if !line.force && !prompt::confirm(warning) {
        return Ok(0);
    }
    let pruned = call
        .engine()?
        .prune_images(all, &|image| takes(&chosen, image))?;
    say(&deleted(&pruned.removed));
    prune::tell_put_off(pruned.swept);
    say(&format!(
        "Total reclaimed space: {}\n",
        units::size(pruned.swept.bytes, 4)
    ));
    Ok(0)
}

/// Whether a prune with these filters takes an image.
pub fn takes(chosen: &Chosen, image: &Image) -> bool {
    let created = image.created.as_deref().unwrap_or_default();
    chosen.takes(&labels(image), created)
}

/// The list of what is gone; nothing where that is nothing.
pub fn deleted(removed: &[Removed]) -> String {
    if removed.is_empty() {
        return String::new();
    }
    let lines: String = removed
        .iter()
        .map(|step| match step {
            Removed::Untagged(name) => format!("untagged: {name}\n"),
            Removed::Deleted(id) => format!("deleted: {id}\n"),
        })
        .collect();
    format!("Deleted Images:\n{lines}\n")
}

/// An image's labels.
pub fn labels(image: &Image) -> BTreeMap<String, String> {
    image
        .config
        .config()
        .as_ref()
        .and_then(|config| config.labels().clone())
        .map(|labels| labels.into_iter().collect())
        .unwrap_or_default()
}
