//! Commands that look at containers and networks, and `exec`, while many containers run.

use anyhow::{Context as _, Result};

use crate::field::{Case, Field, Need};
use crate::finding::{Better, Finding, Table, Unit};
use crate::fleet::Fleet;
use crate::measure::Entrant;

/// `ps`, `inspect`, `network ls` and the like.
pub const CASE: Case = Case {
    name: "looking",
    about: "ps, inspect, network ls, network inspect and exec with 500 containers",
    quick: false,
    needs: &[Need::Peers],
    run,
};

/// Containers of ours.
const OURS: usize = 500;

/// Containers of a peer: as many as it starts in bearable time.
const THEIRS: usize = 40;

const NETWORK: &str = "looking";

/// Stands for a container of the engine's own.
const CONTAINER: &str = "CONTAINER";

/// What is called what.
const COMMANDS: [(&str, &[&str]); 6] = [
    ("looking-ps", &["ps"]),
    ("looking-ps-q", &["ps", "-q"]),
    ("looking-inspect", &["inspect", CONTAINER]),
    ("looking-network-ls", &["network", "ls"]),
    ("looking-network-inspect", &["network", "inspect", NETWORK]),
    ("looking-exec", &["exec", CONTAINER, "true"]),
];

fn run(field: &Field) -> Result<Vec<Finding>> {
    let mut fleets = Vec::new();
    for engine in field.engines() {
        let ours = engine.name == field.rbox.name;
        let filled = Fleet::on_network(engine, NETWORK).and_then(|mut fleet| {
            fleet.fill(if ours { OURS } else { THEIRS })?;
            Ok(fleet)
        });
        match filled {
            Ok(fleet) => fleets.push(fleet),
            Err(error) if !ours => {
                field.skip(format!("looking: {}", engine.name), format!("{error:#}"));
            }
            Err(error) => return Err(error),
        }
    }
    let tables = COMMANDS.iter().map(|(id, words)| {
        Ok(Finding::Table(Table {
            id: (*id).to_owned(),
            title: format!("`{}` while {OURS} containers run", words.join(" ")),
            unit: Unit::Milliseconds,
            better: Better::Lower,
            contenders: field.compete(id, entrants(&fleets, words)?, 15)?,
            budgets: Vec::new(),
            notes: vec![format!(
                "The others have {THEIRS} containers to look at: more take them too long to start."
            )],
        }))
    });
    tables.collect()
}

fn entrants<'a>(fleets: &'a [Fleet<'_>], words: &[&str]) -> Result<Vec<Entrant<'a>>> {
    let entrants = fleets.iter().map(|fleet| {
        let container = fleet.ids.first().context("no container runs")?;
        let words: Vec<&str> = words
            .iter()
            .map(|word| if *word == CONTAINER { container } else { *word })
            .collect();
        let command = fleet.engine.command(&words);
        Ok(Entrant::command(fleet.engine.name, command))
    });
    entrants.collect()
}
