//! Everything that cases share: who competes, with which images, and where.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use crate::engine::Engine;
use crate::finding::{Finding, Skip};

/// What a case needs to know.
pub struct Field {
    /// Ours.
    pub rbox: Engine,
    /// Those that are there and answer, where a case [needs](Need) them. Every engine has the image
    /// `alpine`, and `flask:3.1` where that is needed.
    pub peers: Vec<Engine>,
    /// An unpacked Alpine, for what needs no engine.
    pub rootfs: PathBuf,
    /// The archive of Alpine's root file system.
    pub alpine: PathBuf,
    /// The same with Python and Flask.
    pub flask: PathBuf,
    /// The kernel's own cost: `floor ROOTFS [BRIDGE ADDRESS/LENGTH GATEWAY]`.
    pub floor: PathBuf,
    /// For whatever a case writes; on a disk, gone at the end.
    pub scratch: PathBuf,
    /// Fewer rounds, and only the cases that matter most.
    pub quick: bool,
    /// As many rounds as the command line asks for.
    pub fixed_rounds: Option<usize>,
    /// What was left out so far.
    pub skips: RefCell<Vec<Skip>>,
}

/// What a case cannot do without, beside rbox and Alpine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The other engines.
    Peers,
    /// The image `flask:3.1`.
    Flask,
}

/// A group of measurements.
pub struct Case {
    /// What it is called on the command line.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
    /// Part of `--quick`.
    pub quick: bool,
    /// What takes time to be brought up, and is not where nobody needs it.
    pub needs: &'static [Need],
    /// Measures.
    pub run: fn(&Field) -> anyhow::Result<Vec<Finding>>,
}

impl Field {
    /// Ours first, then the others.
    pub fn engines(&self) -> impl Iterator<Item = &Engine> {
        std::iter::once(&self.rbox).chain(&self.peers)
    }

    /// How many rounds, where this many are usual.
    pub fn rounds(&self, usual: usize) -> usize {
        let fewer = if self.quick { usual.div_ceil(5) } else { usual };
        self.fixed_rounds.unwrap_or(fewer)
    }

    /// Says that something is not measured, and why.
    pub fn skip(&self, what: impl Into<String>, reason: impl Into<String>) {
        let skip = Skip {
            what: what.into(),
            reason: reason.into(),
        };
        println!("SKIPPED {}: {}", skip.what, skip.reason);
        self.skips.borrow_mut().push(skip);
    }

    /// An engine failed at a case when it tried it for the first time. A peer is skipped in it;
    /// what rbox cannot do ends the case.
    pub fn cannot(&self, case: &str, engine: &Engine, error: anyhow::Error) -> anyhow::Result<()> {
        if engine.name == self.rbox.name {
            return Err(error);
        }
        self.skip(format!("{case}: {}", engine.name), format!("{error:#}"));
        Ok(())
    }

    /// Where a program lies, if it is installed.
    pub fn find(program: &str) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
            .map(|dir| dir.join(program))
            .find(|path| Path::is_file(path))
    }
}
