//! `system prune`.

use rbox_images::Swept;

use crate::cli::builder::prune as cache;
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::container::prune::Chosen;
use crate::cli::image::prune as images;
use crate::cli::parse::filter;
use crate::cli::stop::{Outcome, Stop};
use crate::cli::system::prompt;
use crate::cli::volume::prune as volume;
use crate::engine::Engine;
use crate::engine::failure::Failure;
use crate::output::{error, units};

/// `system prune`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS]",
    about: "Remove unused data",
    arity: Arity::Exactly(0),
    interspersed: true,
    run,
    examples: "\
rbox system prune
rbox system prune -af --filter until=240h
",
    ..Spec::of::<Prune>()
};

#[derive(clap::Parser)]
struct Prune {
    /// Remove all unused images not just dangling ones
    #[arg(short, long)]
    all: bool,
    /// Provide filter values (e.g. "label=<key>=<value>")
    #[arg(long, value_name = "filter", value_parser = filter::filter)]
    filter: Vec<(String, String)>,
    /// Do not prompt for confirmation
    #[arg(short, long)]
    force: bool,
    /// Prune anonymous volumes
    #[arg(long)]
    volumes: bool,
}

fn run(call: &Call) -> Outcome {
    let line: Prune = call.parse()?;
    let chosen = Chosen::new(&line.filter)?;
    if line.volumes && line.filter.iter().any(|(name, _)| name == "until") {
        return Err(Stop::failed(
            "ERROR: The \"until\" filter is not supported with \"--volumes\"",
        ));
    }
    if !line.force && !prompt::confirm(&warning(&line)) {
        return Ok(0);
    }
    let engine = call.engine()?;
    let mut reclaimed = prune_containers(&engine, &chosen)?;
    prune_networks(&engine, &chosen)?;
    if line.volumes {
        reclaimed += volume::prune(&engine, false, &chosen)?;
    }
    // The cache first: what it leads to would keep the images' layers. Told in Docker's order.
    let labelled = line.filter.iter().any(|(name, _)| name != "until");
    let cached = match labelled {
        // Records have no labels.
        true => None,
        false => Some(engine.prune_cache(line.all, &|entry| chosen.takes_time(entry.last_used))?),
    };
    let pruned = engine.prune_images(line.all, &|image| images::takes(&chosen, image))?;
    say(&images::deleted(&pruned.removed));
    reclaimed += pruned.swept.bytes;
    if let Some(cached) = &cached {
        say(&cache::deleted(&cached.entries));
        reclaimed += cached.swept.bytes;
    }
    // How old they are nobody knows.
    if line.all && line.filter.is_empty() {
        reclaimed += engine.prune_cache_mounts()?;
    }
    tell_put_off(pruned.swept);
    say(&format!(
        "Total reclaimed space: {}\n",
        units::size(reclaimed, 4)
    ));
    Ok(0)
}

fn prune_containers(engine: &Engine, chosen: &Chosen) -> Result<u64, Stop> {
    let pruned = engine.prune_containers(&|container| {
        !chosen.takes(&container.record.config.labels, &container.record.created)
    })?;
    if !pruned.ids.is_empty() {
        say(&format!(
            "Deleted Containers:\n{}\n\n",
            pruned.ids.join("\n")
        ));
    }
    Ok(pruned.reclaimed)
}

fn prune_networks(engine: &Engine, chosen: &Chosen) -> Result<(), Stop> {
    let names =
        engine.prune_networks(&|network| chosen.takes(&network.labels, &network.created))?;
    if !names.is_empty() {
        say(&format!("Deleted Networks:\n{}\n\n", names.join("\n")));
    }
    Ok(())
}

/// Says that nothing was deleted because somebody adds to the store.
pub fn tell_put_off(swept: Swept) {
    if swept.put_off {
        error::warn(
            &Failure::new("images are being pulled, built or loaded: nothing was deleted yet")
                .hint("the next prune or rmi deletes it"),
        );
    }
}

fn warning(line: &Prune) -> String {
    let mut text = "WARNING! This will remove:\n  - all stopped containers\n  - all networks not \
                    used by at least one container\n"
        .to_owned();
    if line.volumes {
        text.push_str("  - all anonymous volumes not used by at least one container\n");
    }
    text.push_str(if line.all {
        "  - all images without at least one container associated to them\n  - all build cache\n"
    } else {
        "  - all dangling images\n  - unused build cache\n"
    });
    let filters: Vec<String> = line
        .filter
        .iter()
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| format!("  - {name}={value}\n"))
        .collect();
    if !filters.is_empty() {
        text.push_str("\n  Items to be pruned will be filtered with:\n");
        text.extend(filters);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Prune, warning};

    #[test]
    fn the_warning_lists_what_goes() {
        let mut line = Prune {
            all: false,
            filter: Vec::new(),
            force: false,
            volumes: false,
        };
        assert_eq!(
            warning(&line),
            "WARNING! This will remove:\n  - all stopped containers\n  - all networks not used by \
             at least one container\n  - all dangling images\n  - unused build cache\n"
        );
        line.all = true;
        line.filter = vec![("until".into(), "24h".into())];
        assert!(warning(&line).ends_with(
            "  - all build cache\n\n  Items to be pruned will be filtered with:\n  - until=24h\n"
        ));
    }
}
