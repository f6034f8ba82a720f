//! A layer is taken in and unpacked, without a network.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::disk;
use super::layer::{Archives, MEGABYTES, NAME, forget, text};
use crate::engine::CommandLine;
use crate::field::{Case, Field, Need};
use crate::finding::{Better, Budget, Finding, Limit, Table, Unit};
use crate::measure::Entrant;

/// `unpack`.
pub const CASE: Case = Case {
    name: "unpack",
    about: "load and unpack a layer beside Docker, Podman, umoci and tar",
    quick: true,
    needs: &[Need::Peers],
    run,
};

/// With `--quick` the layer is a fifth: there most of the time goes into the disk.
const QUICK_MEGABYTES: usize = 20;

const ROUNDS: usize = 7;

fn run(field: &Field) -> Result<Vec<Finding>> {
    let megabytes = if field.quick {
        QUICK_MEGABYTES
    } else {
        MEGABYTES
    };
    let directory = tempfile::tempdir_in(&field.scratch)?;
    let directory = directory.path();
    let archives = Archives::write(megabytes, &field.rbox, directory)?;
    let mut entrants = Vec::new();
    for engine in field.engines() {
        let (load, forget) = (archives.load(engine)?, vec![forget(NAME).by(engine)]);
        entrants.push(disk::writing(engine.name, directory, load, forget));
    }
    entrants.extend(umoci(field, directory, &archives)?);
    entrants.push(tar(directory, &archives)?);
    let mut notes = vec![
        "Engines load an archive with `load`; umoci unpacks an image layout that it is given, and \
         tar the layer alone: it checks no digest and keeps nothing."
            .to_owned(),
        "The disk is idle before each sample. Nobody waits until the layer's files are on it."
            .to_owned(),
    ];
    if megabytes != MEGABYTES {
        notes.push(format!(
            "--quick: docs/benchmarks.md has a layer of {MEGABYTES} MB, so these figures are not \
             comparable with its."
        ));
    }
    Ok(vec![Finding::Table(Table {
        id: "unpack".to_owned(),
        title: format!("load and unpack a layer of {megabytes} MB, packed with gzip"),
        unit: Unit::Milliseconds,
        better: Better::Lower,
        contenders: field.compete("unpack", entrants, ROUNDS)?,
        budgets: ["umoci", "podman"].map(faster_than).into(),
        notes,
    })])
}

fn faster_than(peer: &str) -> Budget {
    Budget {
        says: format!("faster than {peer}"),
        limit: Limit::RatioAtMost {
            of: "rbox".to_owned(),
            to: peer.to_owned(),
            limit: 1.0,
        },
    }
}

/// umoci takes the layout itself and needs nothing of what load does besides.
fn umoci<'a>(
    field: &Field,
    directory: &'a Path,
    archives: &Archives,
) -> Result<Option<Entrant<'a>>> {
    let Some(umoci) = Field::find("umoci") else {
        field.skip("unpack: umoci", "not installed");
        return Ok(None);
    };
    let layout = directory.join("layout");
    fs::create_dir(&layout)?;
    CommandLine::new(
        "tar",
        &["-xf", text(&archives.image)?, "-C", text(&layout)?],
    )
    .run()?;
    let bundle = directory.join("bundle");
    let image = format!("{}:latest", text(&layout)?);
    let unpack = CommandLine::new(umoci, &["unpack", "--image", &image, text(&bundle)?]);
    let remove = CommandLine::new("rm", &["-rf", text(&bundle)?]);
    Ok(Some(disk::writing(
        "umoci",
        directory,
        unpack,
        vec![remove],
    )))
}

fn tar<'a>(directory: &'a Path, archives: &Archives) -> Result<Entrant<'a>> {
    let (layer, tree) = (text(&archives.layer)?, directory.join("tree"));
    let tree = text(&tree)?;
    fs::create_dir(tree)?;
    let unpack = CommandLine::new("tar", &["-xzf", layer, "-C", tree]);
    let data = format!("{tree}/data");
    let remove = CommandLine::new("rm", &["-rf", &data]);
    Ok(disk::writing("tar", directory, unpack, vec![remove]))
}
