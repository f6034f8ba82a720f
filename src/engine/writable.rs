//! A container's writable layer, as `commit`, `diff` and `export` look at it.

use std::path::PathBuf;

use rbox_images::{IdRange, IdShift, Upper};

use super::failure::{Context, Failure};
use super::record::Record;
use super::user_namespace::Mapping;
use super::{Engine, lower};

/// What the runtime makes in an image that lacks it, to mount something of ours on. Docker has these
/// in a layer of its own, which nobody sees.
const STUBS: &[&str] = &[
    "dev",
    "etc/hostname",
    "etc/hosts",
    "etc/resolv.conf",
    "proc",
    "sys",
];

/// Where a container's files are.
pub struct Writable {
    layers: Vec<PathBuf>,
    upper: PathBuf,
    ids: IdShift,
    stubs: Vec<&'static str>,
}

impl Writable {
    /// Of an existing container.
    pub fn of(engine: &Engine, record: &Record) -> Result<Writable, Failure> {
        let image = engine
            .images
            .get_kept(&record.image_id)
            .context(|| format!("look up the image of container {}", record.id))?;
        let init = lower::INIT.trim_start_matches('/');
        Ok(Writable {
            layers: image.layers,
            upper: engine.dirs.container(&record.id).join("upper"),
            ids: record
                .user_namespace
                .as_ref()
                .map(shift)
                .unwrap_or_default(),
            stubs: STUBS.iter().copied().chain([init]).collect(),
        })
    }

    /// For the image store.
    pub fn upper(&self) -> Upper<'_> {
        Upper {
            lower: &self.layers,
            upper: &self.upper,
            ids: &self.ids,
            stubs: &self.stubs,
        }
    }
}

/// How the files of a container with ids of its own are told.
pub fn shift(mapping: &Mapping) -> IdShift {
    let ranges = |ranges: &[super::user_namespace::mapping::IdRange]| {
        let range = |range: &super::user_namespace::mapping::IdRange| IdRange {
            inside: range.inside,
            outside: range.outside,
            size: range.size,
        };
        ranges.iter().map(range).collect()
    };
    IdShift {
        uids: ranges(&mapping.uids),
        gids: ranges(&mapping.gids),
    }
}
