//! Images that are made here: of a Dockerfile, and of a container.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::disk;
use super::layer::{forget, text};
use crate::engine::Engine;
use crate::field::{Case, Field, Need};
use crate::finding::{Better, Finding, Table, Unit};
use crate::measure::{self, Entrant};

/// `build`.
pub const CASE: Case = Case {
    name: "build",
    about: "build a small application, cold and cached, and commit a container",
    quick: false,
    needs: &[Need::Peers, Need::Flask],
    run,
};

const APPLICATION: &str = "bench-app";
const CONTAINER: &str = "bench-commit";
const COMMITTED: &str = "bench-committed";

const DOCKERFILE: &str = "FROM flask:3.1\nWORKDIR /app\nCOPY app.py .\n\
    RUN python3 -m compileall -q app.py\nEXPOSE 5000\nCMD [\"python3\", \"app.py\"]\n";

fn run(field: &Field) -> Result<Vec<Finding>> {
    let directory = tempfile::tempdir_in(&field.scratch)?;
    let place = Place {
        field,
        directory: directory.path(),
    };
    place.write_context()?;
    Ok(vec![place.cold()?, place.cached()?, place.commit()?])
}

struct Place<'f> {
    field: &'f Field,
    directory: &'f Path,
}

impl Place<'_> {
    /// The application of `examples/flask-pair`, on a base that holds Python and Flask.
    fn write_context(&self) -> Result<()> {
        let app = "from flask import Flask\n\napp = Flask(__name__)\n";
        fs::write(self.directory.join("app.py"), app)?;
        fs::write(self.directory.join("Dockerfile"), DOCKERFILE)?;
        Ok(())
    }

    fn cold(&self) -> Result<Finding> {
        let context = text(self.directory)?;
        let entrants = self.entrants("build-cold", |engine| {
            let build = engine.command(&["build", "-q", "--no-cache", "-t", APPLICATION, context]);
            build.output()?;
            forget(APPLICATION).on(engine)?;
            let forget = vec![forget(APPLICATION).by(engine)];
            Ok(disk::writing(engine.name, self.directory, build, forget))
        })?;
        let title = "build a small application, nothing cached";
        self.finding("build-cold", title, entrants, 5, BUILDER)
    }

    fn cached(&self) -> Result<Finding> {
        let context = text(self.directory)?;
        let entrants = self.entrants("build-cached", |engine| {
            let build = engine.command(&["build", "-q", "-t", APPLICATION, context]);
            build.output()?;
            Ok(disk::writing(
                engine.name,
                self.directory,
                build,
                Vec::new(),
            ))
        })?;
        let title = "build a small application, nothing changed";
        let finding = self.finding("build-cached", title, entrants, 9, BUILDER)?;
        for engine in self.field.engines() {
            // Who could not build it has none.
            let _ = forget(APPLICATION).on(engine);
        }
        Ok(finding)
    }

    fn commit(&self) -> Result<Finding> {
        let entrants = self.entrants("commit", |engine| {
            let copy = ["cp", "-a", "/usr", "/data"];
            let run = ["run", "--name", CONTAINER, "--network", "none", "flask:3.1"];
            engine.quiet(&[&run[..], &copy].concat())?;
            let commit = engine.command(&["commit", CONTAINER, COMMITTED]);
            commit.output()?;
            forget(COMMITTED).on(engine)?;
            let forget = vec![forget(COMMITTED).by(engine)];
            Ok(disk::writing(engine.name, self.directory, commit, forget))
        })?;
        let title = "commit a container that copied its /usr";
        let note = "The container has exited. Its changes are Python with all its modules.";
        let finding = self.finding("commit", title, entrants, 5, note)?;
        for engine in self.field.engines() {
            // Who could not run it has none.
            let _ = engine.quiet(&["rm", "-f", CONTAINER]);
        }
        Ok(finding)
    }

    /// Those that could do it once, which `once` does before it tells how they do it again.
    fn entrants<'a>(
        &self,
        id: &str,
        once: impl Fn(&Engine) -> Result<Entrant<'a>>,
    ) -> Result<Vec<Entrant<'a>>> {
        let mut entrants = Vec::new();
        for engine in self.field.engines() {
            match once(engine) {
                Ok(entrant) => entrants.push(entrant),
                Err(error) => self.field.cannot(id, engine, error)?,
            }
        }
        Ok(entrants)
    }

    fn finding(
        &self,
        id: &str,
        title: &str,
        entrants: Vec<Entrant<'_>>,
        rounds: usize,
        note: &str,
    ) -> Result<Finding> {
        Ok(Finding::Table(Table {
            id: id.to_owned(),
            title: title.to_owned(),
            unit: Unit::Milliseconds,
            better: Better::Lower,
            contenders: measure::take_turns(entrants, self.field.rounds(rounds))?,
            budgets: Vec::new(),
            notes: vec![note.to_owned()],
        }))
    }
}

const BUILDER: &str = "Docker builds with what Debian's docker.io has: the classic builder, unless \
    the buildx component is installed beside it.";
