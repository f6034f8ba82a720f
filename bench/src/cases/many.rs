//! Many containers: started one after the other, started side by side, stopped, removed.

use anyhow::Result;

use crate::engine::Engine;
use crate::field::{Case, Field, Need};
use crate::finding::{Better, Contender, Finding, Table, Unit};
use crate::fleet::Fleet;

/// Starts, stops and removes, as time a container.
pub const CASE: Case = Case {
    name: "many",
    about: "100 containers one after the other and 16 at a time; stop and rm of all",
    quick: false,
    needs: &[Need::Peers],
    run,
};

/// How many of ours.
const OURS: usize = 100;

/// How many of a peer's: its time is long enough to be measured with fewer.
const THEIRS: usize = 20;

/// Clients that run side by side.
const WIDTH: usize = 16;

/// Milliseconds a container.
#[derive(Clone, Copy)]
struct Round {
    one_by_one: f64,
    side_by_side: f64,
    stop_and_remove: f64,
    remove_running: f64,
}

/// Which of them, its name and what it says.
type Part = (fn(&Round) -> f64, &'static str, &'static str);

const PARTS: [Part; 4] = [
    (
        |round| round.one_by_one,
        "many-one-by-one",
        "`run -d` one after the other, time a container",
    ),
    (
        |round| round.side_by_side,
        "many-side-by-side",
        "`run -d` 16 at a time, time a container",
    ),
    (
        |round| round.stop_and_remove,
        "many-stop-rm",
        "`stop` and `rm` of all, time a container",
    ),
    (
        |round| round.remove_running,
        "many-rm-f",
        "`rm -f` of all while they run, time a container",
    ),
];

fn run(field: &Field) -> Result<Vec<Finding>> {
    let mut entrants: Vec<(&Engine, usize, Vec<Round>)> = Vec::new();
    for engine in field.engines() {
        let count = if engine.name == field.rbox.name {
            OURS
        } else {
            THEIRS
        };
        entrants.push((engine, count, Vec::new()));
    }
    for _ in 0..field.rounds(3) {
        let mut left = Vec::new();
        for (engine, count, mut rounds) in entrants {
            match round(engine, count) {
                Ok(round) => rounds.push(round),
                Err(error) if engine.name == field.rbox.name => return Err(error),
                Err(error) => {
                    field.skip(format!("many: {}", engine.name), format!("{error:#}"));
                    continue;
                }
            }
            left.push((engine, count, rounds));
        }
        entrants = left;
    }
    let findings = PARTS.iter().map(|(part, id, title)| {
        let contenders = entrants.iter().map(|(engine, _, rounds)| Contender {
            name: engine.name.to_owned(),
            samples: rounds.iter().map(part).collect(),
        });
        Finding::Table(Table {
            id: (*id).to_owned(),
            title: (*title).to_owned(),
            unit: Unit::Milliseconds,
            better: Better::Lower,
            contenders: contenders.collect(),
            budgets: Vec::new(),
            notes: vec![format!(
                "rbox with {OURS} containers, the others with {THEIRS}, because they take longer; \
                 the time of all is divided by their number."
            )],
        })
    });
    Ok(findings.collect())
}

fn round(engine: &Engine, count: usize) -> Result<Round> {
    let mut fleet = Fleet::new(engine);
    // Warms up.
    fleet.start()?;
    fleet.remove()?;
    let each = count as f64;
    let mut one_by_one = 0.0;
    for _ in 0..count {
        one_by_one += fleet.start()?;
    }
    let remove_running = fleet.remove()?;
    let side_by_side = fleet.start_together(count, WIDTH)?;
    let stop = fleet.all(&["stop"])?;
    let remove = fleet.all(&["rm"])?;
    fleet.ids.clear();
    Ok(Round {
        one_by_one: one_by_one / each,
        side_by_side: side_by_side / each,
        stop_and_remove: (stop + remove) / each,
        remove_running: remove_running / each,
    })
}
