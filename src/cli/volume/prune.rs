//! `volume prune`.

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::container::prune::Chosen;
use crate::cli::parse::filter;
use crate::cli::stop::{Outcome, Stop};
use crate::cli::system::prompt;
use crate::engine::Engine;
use crate::output::units;

/// `volume prune`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS]",
    about: "Remove unused local volumes",
    arity: Arity::Exactly(0),
    interspersed: true,
    run,
    examples: "\
rbox volume prune  # those without a name that no container uses
rbox volume prune -a -f --filter label!=keep
",
    ..Spec::of::<Prune>()
};

#[derive(clap::Parser)]
struct Prune {
    /// Remove all unused volumes, not just anonymous ones
    #[arg(short, long)]
    all: bool,
    /// Provide filter values (e.g. "label=<label>")
    #[arg(long, value_name = "filter", value_parser = filter::filter)]
    filter: Vec<(String, String)>,
    /// Do not prompt for confirmation
    #[arg(short, long)]
    force: bool,
}

fn run(call: &Call) -> Outcome {
    let line: Prune = call.parse()?;
    let chosen = Chosen::with(&line.filter, &["all", "label", "label!"])?;
    let asked = chosen.flag("all")?;
    if line.all && asked.is_some() {
        return Err(Stop::failed(
            "conflicting options: cannot specify both --all and --filter all=1",
        ));
    }
    let all = line.all || asked == Some(true);
    let which = if all { "" } else { "anonymous " };
    let warning = format!(
        "WARNING! This will remove {which}local volumes not used by at least one container."
    );
    if !line.force && !prompt::confirm(&warning) {
        return Ok(0);
    }
    let reclaimed = prune(&call.engine()?, all, &chosen)?;
    say(&format!(
        "Total reclaimed space: {}\n",
        units::size(reclaimed, 4)
    ));
    Ok(0)
}

/// Removes what nobody uses, and lists it; how many bytes that were.
pub fn prune(engine: &Engine, all: bool, chosen: &Chosen) -> Result<u64, Stop> {
    let pruned = engine.prune_volumes(&|volume| {
        (all || volume.is_anonymous()) && chosen.takes(&volume.labels, &volume.created)
    })?;
    if !pruned.names.is_empty() {
        say(&format!(
            "Deleted Volumes:\n{}\n\n",
            pruned.names.join("\n")
        ));
    }
    Ok(pruned.reclaimed)
}
