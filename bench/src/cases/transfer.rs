//! An image on its way: to a registry and from it, and into an archive.

use std::path::Path;

use anyhow::Result;

use super::disk;
use super::layer::{Archives, MEGABYTES, NAME, forget, text};
use super::registry::Registry;
use crate::engine::{CommandLine, Engine};
use crate::field::{Case, Field, Need};
use crate::finding::{Better, Finding, Table, Unit};
use crate::measure::{self, Entrant};

/// `transfer`.
pub const CASE: Case = Case {
    name: "transfer",
    about: "push, pull and save an image with a layer of 100 MB",
    quick: false,
    needs: &[Need::Peers],
    run,
};

fn run(field: &Field) -> Result<Vec<Finding>> {
    let directory = tempfile::tempdir_in(&field.scratch)?;
    let place = Place {
        field,
        archives: Archives::write(MEGABYTES, &field.rbox, directory.path())?,
        directory: directory.path(),
    };
    let mut findings = Vec::new();
    match Registry::start(directory.path())? {
        Some(registry) => {
            findings.push(place.push(&registry)?);
            findings.push(place.pull(&registry)?);
        }
        None => field.skip("push, pull", "docker-registry is not installed"),
    }
    findings.push(place.save()?);
    Ok(findings)
}

struct Place<'f> {
    field: &'f Field,
    archives: Archives,
    directory: &'f Path,
}

/// What is timed, and what is not.
struct Plan {
    before: Vec<CommandLine>,
    command: CommandLine,
    /// After each sample.
    afterwards: Vec<CommandLine>,
    /// When all are taken.
    finally: Vec<CommandLine>,
}

impl Place<'_> {
    fn push(&self, registry: &Registry) -> Result<Finding> {
        let name = registry.name(NAME);
        let title = "push a layer of 100 MB to a registry";
        let note = "The registry is empty before each sample. Docker and Podman keep the layer \
                    unpacked and pack it anew; rbox keeps it as it came.";
        self.compare("push", title, note, |engine| {
            Ok(Plan {
                before: vec![
                    self.archives.load(engine)?,
                    engine.command(&["tag", NAME, &name]),
                ],
                command: registry.transfer(engine, "push", NAME),
                afterwards: vec![registry.empty()],
                finally: vec![forget(&name).by(engine), forget(NAME).by(engine)],
            })
        })
    }

    fn pull(&self, registry: &Registry) -> Result<Finding> {
        let name = registry.name(NAME);
        let rbox = &self.field.rbox;
        self.archives.load(rbox)?.output()?;
        rbox.quiet(&["tag", NAME, &name])?;
        registry.transfer(rbox, "push", NAME).output()?;
        forget(&name).on(rbox)?;
        forget(NAME).on(rbox)?;
        let title = "pull a layer of 100 MB from a registry";
        let note = "The registry is on loopback.";
        self.compare("pull", title, note, |engine| {
            Ok(Plan {
                before: Vec::new(),
                command: registry.transfer(engine, "pull", NAME),
                afterwards: vec![forget(&name).by(engine)],
                finally: Vec::new(),
            })
        })
    }

    fn save(&self) -> Result<Finding> {
        let out = self.directory.join("saved.tar");
        let out = text(&out)?;
        let title = "save a layer of 100 MB to an archive";
        let note = "Docker and Podman write the layer unpacked, rbox as it came: packed with gzip.";
        self.compare("save", title, note, |engine| {
            Ok(Plan {
                before: vec![self.archives.load(engine)?],
                command: engine.command(&["save", "-o", out, NAME]),
                afterwards: vec![CommandLine::new("rm", &["-f", out])],
                finally: vec![forget(NAME).by(engine)],
            })
        })
    }

    /// A peer that cannot do it once does not take part.
    fn compare(
        &self,
        id: &str,
        title: &str,
        note: &str,
        plan: impl Fn(&Engine) -> Result<Plan>,
    ) -> Result<Finding> {
        let mut entrants: Vec<Entrant<'_>> = Vec::new();
        let mut finally = Vec::new();
        for engine in self.field.engines() {
            let plan = plan(engine)?;
            let once = plan.before.iter().chain([&plan.command]);
            let tried = all(once.chain(&plan.afterwards));
            finally.extend(plan.finally);
            match tried {
                Ok(()) => entrants.push(disk::writing(
                    engine.name,
                    self.directory,
                    plan.command,
                    plan.afterwards,
                )),
                Err(error) => self.field.cannot(id, engine, error)?,
            }
        }
        let contenders = measure::take_turns(entrants, self.field.rounds(5))?;
        all(&finally)?;
        Ok(Finding::Table(Table {
            id: id.to_owned(),
            title: title.to_owned(),
            unit: Unit::Milliseconds,
            better: Better::Lower,
            contenders,
            budgets: Vec::new(),
            notes: vec![
                note.to_owned(),
                "The disk is idle before each sample.".to_owned(),
            ],
        }))
    }
}

fn all<'c>(commands: impl IntoIterator<Item = &'c CommandLine>) -> Result<()> {
    commands
        .into_iter()
        .try_for_each(|command| command.output().map(drop))
}
