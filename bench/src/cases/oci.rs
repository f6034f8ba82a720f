//! The OCI runtime against crun and runc on one bundle, without network and image.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::engine::CommandLine;
use crate::field::{Case, Field};
use crate::finding::{Better, Budget, Contender, Finding, Limit, Table, Unit};
use crate::measure::Entrant;

/// What Docker and Podman would wait for if they used ours.
pub const CASE: Case = Case {
    name: "oci",
    about: "OCI runtimes: rbox-runtime, crun and runc on the same bundle",
    quick: true,
    needs: &[],
    run,
};

/// What ours is called, which makes it an OCI runtime.
const OURS: &str = "rbox-runtime";

const ROUNDS: usize = 30;

const CONTAINER: &str = "bench-oci";

/// A program with the words before its commands.
struct Runtime {
    name: &'static str,
    program: PathBuf,
    state: PathBuf,
}

fn run(field: &Field) -> Result<Vec<Finding>> {
    let bundle = field.scratch.join("bundle");
    std::fs::create_dir(&bundle)?;
    configure(field, &bundle)?;
    let runtimes = runtimes(field);
    let bundle = bundle.to_str().context("a path that is text")?;

    let once = ["run", "--bundle", bundle, CONTAINER];
    let entrants = runtimes
        .iter()
        .map(|runtime| Entrant::command(runtime.name, runtime.command(&once)));
    let contenders = field.compete("oci-run", entrants.collect(), ROUNDS)?;
    let mut run = table("oci-run", "`run` of `true` to its exit", contenders);
    run.budgets.push(Budget {
        says: "faster than crun".to_owned(),
        limit: Limit::RatioAtMost {
            of: OURS.to_owned(),
            to: "crun".to_owned(),
            limit: 1.0,
        },
    });
    if field.quick {
        return Ok(vec![Finding::Table(run)]);
    }

    let steps = [
        &["create", "--bundle", bundle, CONTAINER][..],
        &["start", CONTAINER],
        &["delete", "--force", CONTAINER],
    ];
    let entrants = runtimes.iter().map(|runtime| {
        let commands = steps.iter().map(|words| runtime.command(words)).collect();
        Entrant::commands(runtime.name, commands, Vec::new())
    });
    let contenders = field.compete("oci-steps", entrants.collect(), ROUNDS)?;
    let steps = table(
        "oci-steps",
        "`create`, `start`, `delete --force`, one after the other",
        contenders,
    );
    Ok(vec![Finding::Table(run), Finding::Table(steps)])
}

fn runtimes(field: &Field) -> Vec<Runtime> {
    let state = |name| field.scratch.join("oci").join(name);
    let mut all = vec![Runtime {
        name: OURS,
        program: field.rbox.program.clone(),
        state: state(OURS),
    }];
    for name in ["crun", "runc"] {
        match Field::find(name) {
            Some(program) => all.push(Runtime {
                name,
                program,
                state: state(name),
            }),
            None => field.skip(format!("oci: {name}"), "it is not installed"),
        }
    }
    all
}

impl Runtime {
    fn command(&self, words: &[&str]) -> CommandLine {
        let mut all = vec!["--root".into(), self.state.clone().into_os_string()];
        all.extend(words.iter().map(Into::into));
        CommandLine {
            program: self.program.clone(),
            called: Some(self.name.to_owned()),
            words: all,
            environment: Vec::new(),
        }
    }
}

/// The default configuration, without a terminal, that runs `true`.
fn configure(field: &Field, bundle: &Path) -> Result<()> {
    let directory = bundle.to_str().context("a path that is text")?;
    field.rbox.quiet(&["oci", "spec", "--bundle", directory])?;
    let file = bundle.join("config.json");
    let mut spec: serde_json::Value = serde_json::from_slice(&std::fs::read(&file)?)?;
    // The newest that Debian's crun takes.
    spec["ociVersion"] = "1.0.2".into();
    spec["process"]["terminal"] = false.into();
    spec["process"]["args"] = serde_json::json!(["/bin/true"]);
    spec["process"]["rlimits"] = serde_json::json!([]);
    spec["root"]["path"] = field.rootfs.to_str().into();
    std::fs::write(&file, serde_json::to_vec(&spec)?)?;
    Ok(())
}

fn table(id: &str, title: &str, contenders: Vec<Contender>) -> Table {
    Table {
        id: id.to_owned(),
        title: title.to_owned(),
        unit: Unit::Milliseconds,
        better: Better::Lower,
        contenders,
        budgets: Vec::new(),
        notes: Vec::new(),
    }
}
