//! How large the programs are, and how long they take to say who they are.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::engine::{Engine, docker, podman, rbox};
use crate::field::{Case, Field, Need};
use crate::finding::{Better, Budget, Contender, Finding, Limit, Table, Unit};
use crate::measure::Entrant;

/// What a user installs.
pub const CASE: Case = Case {
    name: "size",
    about: "The programs themselves: their size, and the time to say `--version`",
    quick: true,
    needs: &[Need::Peers],
    run,
};

/// Bytes that ours may have.
const LIMIT: f64 = 12e6;

fn run(field: &Field) -> Result<Vec<Finding>> {
    Ok(vec![version(field)?, size(field)?])
}

fn version(field: &Field) -> Result<Finding> {
    let entrants = field.engines().map(|engine| {
        let command = engine.command(&["--version"]);
        Entrant::command(engine.name, command)
    });
    let contenders = field.compete("version", entrants.collect(), 30)?;
    Ok(Finding::Table(Table {
        id: "version".to_owned(),
        title: "`--version`: a command that does nothing".to_owned(),
        unit: Unit::Milliseconds,
        better: Better::Lower,
        contenders,
        budgets: Vec::new(),
        notes: Vec::new(),
    }))
}

fn size(field: &Field) -> Result<Finding> {
    let mut contenders = Vec::new();
    let mut notes =
        vec!["Shared libraries that they load are not counted; ours loads none.".into()];
    for engine in field.engines() {
        match programs(engine) {
            Ok(files) => {
                let sizes = files.iter().map(|file| Ok(file.metadata()?.len() as f64));
                contenders.push(Contender {
                    name: engine.name.to_owned(),
                    samples: vec![sizes.sum::<Result<f64>>()?],
                });
                notes.push(format!("{}: {}.", engine.name, names(&files)));
            }
            Err(error) => field.skip(format!("size: {}", engine.name), format!("{error:#}")),
        }
    }
    Ok(Finding::Table(Table {
        id: "size".to_owned(),
        title: "size of all programs that a container takes".to_owned(),
        unit: Unit::Bytes,
        better: Better::Lower,
        contenders,
        budgets: vec![Budget {
            says: "at most 12 MB".to_owned(),
            limit: Limit::AtMost {
                of: rbox::NAME.to_owned(),
                limit: LIMIT,
            },
        }],
        notes,
    }))
}

/// What runs when a container with a network and a published port does.
fn programs(engine: &Engine) -> Result<Vec<PathBuf>> {
    let beside = match engine.name {
        docker::NAME => &[
            "dockerd",
            "docker-proxy",
            "containerd",
            "containerd-shim-runc-v2",
            "runc",
        ][..],
        podman::NAME => &[
            "conmon",
            "crun",
            "/usr/lib/podman/netavark",
            "/usr/lib/podman/aardvark-dns",
        ],
        _ => &[],
    };
    let found = beside
        .iter()
        .map(|name| Field::find(name).with_context(|| format!("{name} is not installed")));
    std::iter::once(Ok(engine.program.clone()))
        .chain(found)
        .collect()
}

fn names(files: &[PathBuf]) -> String {
    let names: Vec<_> = files
        .iter()
        .filter_map(|file| Some(file.file_name()?.to_string_lossy()))
        .collect();
    names.join(", ")
}
