//! What a start costs while many containers run, or many networks exist.

use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::cases::start::floor_on_bridge;
use crate::engine::Engine;
use crate::field::{Case, Field, Need};
use crate::finding::{Better, Budget, Contender, Curve, Finding, Limit, Line, Table, Unit};
use crate::fleet::Fleet;
use crate::measure::{Entrant, milliseconds, take_turns};
use crate::statistics::Spread;

/// The 10th start against the 500th and the 900th, and against the number of networks.
pub const CASE: Case = Case {
    name: "scale",
    about: "the 10th start against the 500th and the 900th, and with many networks",
    quick: false,
    needs: &[Need::Peers],
    run,
};

/// Starts that are taken together: their median is a point of a curve.
const WINDOW: usize = 20;

/// Whose starts the table compares; the last is as many as a bridge has ports for, nearly.
const PLACES: [(usize, &str); 3] = [(10, "10th"), (500, "500th"), (900, "900th")];

/// As many containers as a peer starts in bearable time.
const THEIRS: usize = 50;

/// As many networks as ours, and a peer's.
const NETWORKS: [usize; 5] = [1, 10, 50, 100, 200];
const THEIR_NETWORKS: [usize; 3] = [1, 10, 20];

/// Starts at each number of networks, and of the floor.
const STARTS: usize = 9;

const NETWORK: &str = "scale";

/// The kernel's floor is measured beside so many containers of ours.
const FLOORS: [usize; 6] = [10, 100, 250, 500, 700, 900];

fn run(field: &Field) -> Result<Vec<Finding>> {
    let (starts, floors) = ours(field, 900 + WINDOW / 2)?;
    let mut containers = vec![line(&field.rbox, &starts), floor_line(&floors)];
    let mut networks = vec![against_networks(&field.rbox, &NETWORKS, 0)?];
    for (peer, place) in field.peers.iter().zip(1..) {
        // Nobody else's containers run meanwhile: they would slow the first of the others.
        match self::starts(peer, THEIRS) {
            Ok(starts) => containers.push(line(peer, &starts)),
            Err(error) => field.skip(format!("scale: {}", peer.name), format!("{error:#}")),
        }
        match against_networks(peer, &THEIR_NETWORKS, place) {
            Ok(line) => networks.push(line),
            Err(error) => {
                field.skip(
                    format!("scale, networks: {}", peer.name),
                    format!("{error:#}"),
                );
            }
        }
    }
    Ok(vec![
        Finding::Table(table(&starts, floors)?),
        Finding::Curve(Curve {
            id: "scale-containers".to_owned(),
            title: "`run -d` while others run on the same network".to_owned(),
            against: "containers running".to_owned(),
            unit: Unit::Milliseconds,
            lines: containers,
        }),
        Finding::Curve(Curve {
            id: "scale-networks".to_owned(),
            title: "`run --rm alpine true` on one of many networks".to_owned(),
            against: "networks".to_owned(),
            unit: Unit::Milliseconds,
            lines: networks,
        }),
    ])
}

/// As [`starts`]; and on the way what the kernel's own part of a start takes on the same bridge.
fn ours(field: &Field, count: usize) -> Result<(Vec<f64>, Vec<Contender>)> {
    let mut fleet = Fleet::on_network(&field.rbox, NETWORK)?;
    let floor = floor_on_bridge(field, NETWORK)?;
    let mut starts = Vec::with_capacity(count);
    let mut floors = Vec::new();
    for number in 1..=count {
        starts.push(fleet.start()?);
        if FLOORS.contains(&number) {
            let name = format!("floor beside {number}");
            floors.extend(take_turns(
                vec![Entrant::command(name, floor.clone())],
                STARTS,
            )?);
            // What the kernel still takes down is not the next start's.
            std::thread::sleep(Duration::from_millis(200));
        }
    }
    Ok((starts, floors))
}

/// Milliseconds of each of so many starts on one network, one after the other.
fn starts(engine: &Engine, count: usize) -> Result<Vec<f64>> {
    let mut fleet = Fleet::on_network(engine, NETWORK)?;
    // Warms up, and makes the bridge.
    fleet.start()?;
    fleet.remove()?;
    (0..count).map(|_| fleet.start()).collect()
}

/// The `number`th start and its neighbours.
fn around(starts: &[f64], number: usize) -> Option<&[f64]> {
    let from = number.checked_sub(WINDOW / 2)?;
    starts.get(from..from + WINDOW)
}

fn table(starts: &[f64], floors: Vec<Contender>) -> Result<Table> {
    let contenders: Option<Vec<Contender>> = PLACES
        .iter()
        .map(|(number, name)| {
            Some(Contender {
                name: (*name).to_owned(),
                samples: around(starts, *number)?.to_vec(),
            })
        })
        .collect();
    let contenders = contenders.context("fewer starts than the table needs")?;
    Ok(Table {
        id: "scale-start".to_owned(),
        title: "rbox: `run -d` of the 10th, the 500th and the 900th container on one network"
            .to_owned(),
        unit: Unit::Milliseconds,
        better: Better::Lower,
        contenders: contenders.into_iter().chain(floors).collect(),
        budgets: vec![Budget {
            says: "the 500th container starts within 1.3 times of the 10th".to_owned(),
            limit: Limit::RatioAtMost {
                of: "500th".to_owned(),
                to: "10th".to_owned(),
                limit: 1.3,
            },
        }],
        notes: vec![
            format!(
                "The samples are the {WINDOW} starts around each; all {} containers run on.",
                starts.len()
            ),
            "Beside so many of them the floor tells how much of the growth is the kernel's own: \
             it goes through all ports of a bridge, and through all processes in `pivot_root`."
                .to_owned(),
        ],
    })
}

/// Medians of the starts, window by window.
fn line(engine: &Engine, starts: &[f64]) -> Line {
    // So that the curve of a few has points, too.
    let width = WINDOW.min(starts.len() / 6).max(1);
    let windows = starts.chunks_exact(width).zip(0..);
    let points = windows.filter_map(|(window, number)| {
        let middle = number * width + width / 2;
        Some((middle as f64, Spread::of(window)?.median))
    });
    Line {
        name: engine.name.to_owned(),
        points: points.collect(),
    }
}

fn floor_line(floors: &[Contender]) -> Line {
    let points = FLOORS.iter().zip(floors);
    let points = points.filter_map(|(number, floor)| {
        let spread = floor.spread()?;
        Some((*number as f64, spread.median))
    });
    Line {
        name: "floor".to_owned(),
        points: points.collect(),
    }
}

/// A start on the first of so many networks; on each of them there was a container once, so that
/// its bridge is there where the engine keeps it. `place` keeps the engines' addresses apart.
fn against_networks(engine: &Engine, numbers: &[usize], place: u8) -> Result<Line> {
    let mut networks = Networks::new(engine, place);
    let words = networks.run_on(0);
    let command = engine.command(&words);
    let mut points = Vec::with_capacity(numbers.len());
    for number in numbers {
        networks.fill(*number)?;
        command.run()?;
        let mut times = Vec::with_capacity(STARTS);
        for _ in 0..STARTS {
            let began = std::time::Instant::now();
            command.run()?;
            times.push(milliseconds(began.elapsed()));
        }
        let spread = Spread::of(&times).context("no starts")?;
        points.push((*number as f64, spread.median));
    }
    Ok(Line {
        name: engine.name.to_owned(),
        points,
    })
}

/// Networks of one engine. Dropped, they are gone.
struct Networks<'a> {
    engine: &'a Engine,
    place: u8,
    count: usize,
}

impl<'a> Networks<'a> {
    fn new(engine: &'a Engine, place: u8) -> Self {
        Self {
            engine,
            place,
            count: 0,
        }
    }

    fn name(number: usize) -> String {
        format!("scale{number}")
    }

    fn run_on(&self, number: usize) -> [String; 6] {
        let network = Self::name(number);
        ["run", "--rm", "--network", &network, "alpine", "true"].map(str::to_owned)
    }

    fn fill(&mut self, count: usize) -> Result<()> {
        while self.count < count {
            // No engine has pools for so many by default.
            let (high, low) = (self.count / 256, self.count % 256);
            let subnet = format!(
                "10.{}.{low}.0/24",
                100 + 10 * usize::from(self.place) + high
            );
            let name = Self::name(self.count);
            self.engine
                .quiet(&["network", "create", "--subnet", &subnet, &name])?;
            self.count += 1;
            self.engine.command(&self.run_on(self.count - 1)).run()?;
        }
        Ok(())
    }
}

impl Drop for Networks<'_> {
    fn drop(&mut self) {
        let names: Vec<String> = (0..self.count).map(Self::name).collect();
        let words: Vec<&str> = ["network", "rm"]
            .into_iter()
            .chain(names.iter().map(String::as_str))
            .collect();
        if self.count > 0
            && let Err(error) = self.engine.quiet(&words)
        {
            eprintln!("left behind: {error:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_lies_around_its_start() {
        let starts: Vec<f64> = (1..=910).map(f64::from).collect();
        for (number, _) in PLACES {
            let window = around(&starts, number).unwrap();
            assert_eq!(window.len(), WINDOW);
            assert!(window.contains(&(number as f64)));
        }
        assert_eq!(around(&starts, 905), None);
    }
}
