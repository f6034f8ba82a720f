//! Memory that a container takes beside its own process.

use std::fs;

use anyhow::{Context as _, Result};

use crate::engine::{Engine, docker};
use crate::field::{Case, Field, Need};
use crate::finding::{Better, Budget, Contender, Curve, Finding, Limit, Line, Table, Unit};
use crate::fleet::Fleet;

/// PSS of what an engine runs for each idle container.
pub const CASE: Case = Case {
    name: "memory",
    about: "memory beside an idle container's own process",
    quick: false,
    needs: &[Need::Peers],
    run,
};

/// Containers at which all are compared. What processes share is divided between them, so the
/// number matters.
const COMPARED: usize = 20;

/// The numbers at which ours is looked at, and a peer's.
const OURS: [usize; 7] = [1, 5, COMPARED, 50, 100, 250, 500];
const THEIRS: [usize; 3] = [1, 5, COMPARED];

/// Of more containers only so many are looked at, evenly spread.
const SAMPLES: usize = 50;

fn run(field: &Field) -> Result<Vec<Finding>> {
    let mut contenders = Vec::new();
    let mut lines = Vec::new();
    let mut notes = vec![format!(
        "With {COMPARED} idle containers each: the proportional share (PSS) of every process with \
         the container's id on its command line, which is rbox's monitor, Docker's containerd-shim, \
         Podman's conmon."
    )];
    let mut most = None;
    for engine in field.engines() {
        let ours = engine.name == field.rbox.name;
        let seen = match look(engine, if ours { &OURS } else { &THEIRS }) {
            Ok(seen) => seen,
            Err(error) if !ours => {
                field.skip(format!("memory: {}", engine.name), format!("{error:#}"));
                continue;
            }
            Err(error) => return Err(error),
        };
        let compared = seen.iter().find(|at| at.running == COMPARED);
        contenders.push(contender(
            engine.name.to_owned(),
            compared.context("not looked at where all are compared")?,
        ));
        lines.push(Line {
            name: engine.name.to_owned(),
            points: seen.iter().filter_map(At::point).collect(),
        });
        if ours {
            most = seen.into_iter().next_back();
        } else if engine.name == docker::NAME {
            notes.extend(seen.last().and_then(daemons));
        }
    }
    let most = most.context("nothing was looked at")?;
    Ok(vec![
        Finding::Table(Table {
            id: "memory-idle".to_owned(),
            title: "memory of an idle container beside its own process".to_owned(),
            unit: Unit::Kilobytes,
            better: Better::Lower,
            contenders,
            budgets: Vec::new(),
            notes,
        }),
        Finding::Table(at_most(&most)),
        Finding::Curve(Curve {
            id: "memory-containers".to_owned(),
            title: "memory a container beside its own process, while others run".to_owned(),
            against: "containers running".to_owned(),
            unit: Unit::Kilobytes,
            lines,
        }),
    ])
}

fn at_most(most: &At) -> Table {
    let name = "rbox";
    Table {
        id: "memory-500".to_owned(),
        title: format!("memory a container with {} running", most.running),
        unit: Unit::Kilobytes,
        better: Better::Lower,
        contenders: vec![contender(name.to_owned(), most)],
        budgets: vec![Budget {
            says: format!(
                "with {} running at most 1,000 kB a container beside its own process",
                most.running
            ),
            limit: Limit::AtMost {
                of: name.to_owned(),
                limit: 1000.0,
            },
        }],
        notes: vec!["Counted in the same way.".to_owned()],
    }
}

fn contender(name: String, at: &At) -> Contender {
    Contender {
        name,
        samples: at.sizes.clone(),
    }
}

/// What was seen while so many were running.
struct At {
    running: usize,
    /// Of each container that was looked at, kilobytes.
    sizes: Vec<f64>,
    /// Of Docker's daemons.
    daemons: u64,
}

impl At {
    fn point(&self) -> Option<(f64, f64)> {
        let sum: f64 = self.sizes.iter().sum();
        let count = self.sizes.len();
        (count > 0).then(|| (self.running as f64, sum / count as f64))
    }
}

fn daemons(at: &At) -> Option<String> {
    (at.daemons > 0).then(|| {
        format!(
            "dockerd and containerd take {} kB more, whatever the number.",
            at.daemons
        )
    })
}

fn look(engine: &Engine, numbers: &[usize]) -> Result<Vec<At>> {
    let mut fleet = Fleet::new(engine);
    let mut seen = Vec::with_capacity(numbers.len());
    for number in numbers {
        fleet.fill(*number)?;
        seen.push(at(&fleet.ids)?);
    }
    Ok(seen)
}

fn at(ids: &[String]) -> Result<At> {
    let processes = processes()?;
    let looked_at = ids.iter().step_by(ids.len().div_ceil(SAMPLES));
    let sizes = looked_at.map(|id| {
        let its = processes.iter().filter(|process| process.is_of(id));
        let size: u64 = its.filter_map(Process::size).sum();
        // Whatever stays with a container has some.
        anyhow::ensure!(size > 0, "no process is found beside container {id}");
        Ok(size as f64)
    });
    let daemons = processes
        .iter()
        .filter(|process| ["dockerd", "containerd"].contains(&process.name()));
    Ok(At {
        running: ids.len(),
        sizes: sizes.collect::<Result<_>>()?,
        daemons: daemons.filter_map(Process::size).sum(),
    })
}

/// One that runs in the bench's own PID namespace.
struct Process {
    pid: u32,
    words: Vec<String>,
}

impl Process {
    /// Its own process has no such word: it is `sleep`.
    fn is_of(&self, id: &str) -> bool {
        self.words.iter().any(|word| word == id)
    }

    fn name(&self) -> &str {
        let program = self.words.first().map_or("", String::as_str);
        program.rsplit('/').next().unwrap_or(program)
    }

    fn size(&self) -> Option<u64> {
        proportional(&fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid)).ok()?)
    }
}

fn processes() -> Result<Vec<Process>> {
    let entries = fs::read_dir("/proc").context("/proc")?.flatten();
    let processes = entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let words = line.split(|byte| *byte == 0);
        Some(Process {
            pid,
            words: words
                .map(|word| String::from_utf8_lossy(word).into_owned())
                .collect(),
        })
    });
    Ok(processes.collect())
}

/// Kilobytes, out of `smaps_rollup`.
fn proportional(rollup: &str) -> Option<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_not_one_of_its_parts() {
        let rollup = "55e1-7ffc ---p 00000000 00:00 0    [rollup]\nRss:   3000 kB\n\
                      Pss:                 812 kB\nPss_Dirty:           500 kB\n";
        assert_eq!(proportional(rollup), Some(812));
        assert_eq!(proportional(""), None);
    }

    #[test]
    fn a_process_is_of_the_container_that_it_names() {
        let process = Process {
            pid: 1,
            words: ["/usr/bin/conmon", "-c", "abc"].map(str::to_owned).to_vec(),
        };
        assert!(process.is_of("abc") && !process.is_of("ab"));
        assert_eq!(process.name(), "conmon");
    }
}
