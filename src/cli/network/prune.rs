//! `network prune`.

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::container::prune::Chosen;
use crate::cli::parse::filter;
use crate::cli::stop::Outcome;
use crate::cli::system::prompt;

/// `network prune`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS]",
    about: "Remove all unused networks",
    arity: Arity::Exactly(0),
    interspersed: true,
    run,
    examples: "\
rbox network prune
rbox network prune -f --filter until=24h
",
    ..Spec::of::<Prune>()
};

#[derive(clap::Parser)]
struct Prune {
    /// Provide filter values (e.g. "until=<timestamp>")
    #[arg(long, value_name = "filter", value_parser = filter::filter)]
    filter: Vec<(String, String)>,
    /// Do not prompt for confirmation
    #[arg(short, long)]
    force: bool,
}

const WARNING: &str =
    "WARNING! This will remove all custom networks not used by at least one container.";

fn run(call: &Call) -> Outcome {
    let line: Prune = call.parse()?;
    let chosen = Chosen::new(&line.filter)?;
    if !line.force && !prompt::confirm(WARNING) {
        return Ok(0);
    }
    let engine = call.engine()?;
    let names =
        engine.prune_networks(&|network| chosen.takes(&network.labels, &network.created))?;
    if !names.is_empty() {
        say(&format!("Deleted Networks:\n{}\n\n", names.join("\n")));
    }
    Ok(0)
}
