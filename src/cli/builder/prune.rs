//! `builder prune`.

use rbox_images::CacheEntry;

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::container::prune::Chosen;
use crate::cli::parse::filter;
use crate::cli::stop::Outcome;
use crate::cli::system::{prompt, prune};
use crate::output::units;

/// `builder prune`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS]",
    about: "Remove build cache",
    arity: Arity::Exactly(0),
    interspersed: true,
    run,
    examples: "\
rbox builder prune
rbox builder prune --all --force  # everything, without a question
",
    ..Spec::of::<Prune>()
};

#[derive(clap::Parser)]
struct Prune {
    /// Remove all unused build cache, not just dangling ones
    #[arg(short, long)]
    all: bool,
    /// Provide filter values (e.g. "until=24h")
    #[arg(long, value_name = "filter", value_parser = filter::filter)]
    filter: Vec<(String, String)>,
    /// Do not prompt for confirmation
    #[arg(short, long)]
    force: bool,
}

fn run(call: &Call) -> Outcome {
    let line: Prune = call.parse()?;
    let chosen = Chosen::with(&line.filter, &["until"])?;
    let warning = if line.all {
        "WARNING! This will remove all build cache."
    } else {
        "WARNING! This will remove all dangling build cache."
    };
    if !line.force && !prompt::confirm(warning) {
        return Ok(0);
    }
    let engine = call.engine()?;
    let pruned = engine.prune_cache(line.all, &|entry| chosen.takes_time(entry.last_used))?;
    say(&deleted(&pruned.entries));
    prune::tell_put_off(pruned.swept);
    // How old they are nobody knows: a step may be writing to one at any time.
    let mounts = match line.all && line.filter.is_empty() {
        true => engine.prune_cache_mounts()?,
        false => 0,
    };
    say(&format!(
        "Total reclaimed space: {}\n",
        units::size(pruned.swept.bytes.saturating_add(mounts), 4)
    ));
    Ok(0)
}

/// The list of what is gone; nothing where that is nothing.
pub fn deleted(entries: &[CacheEntry]) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let ids: Vec<&str> = entries.iter().map(short).collect();
    format!("Deleted build cache objects:\n{}\n\n", ids.join("\n"))
}

/// The first digits of a record's key, as `system df -v` shows it.
pub fn short(entry: &CacheEntry) -> &str {
    entry.key.hex().get(..12).unwrap_or_default()
}
