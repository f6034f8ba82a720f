//! A container's writable layer against the layers below it.
//!
//! ```text
//!  upper ─▶ Walk ─▶ whiteout                → deleted
//!                   not in the View below   → added
//!                   there, another file     → changed
//!                   a directory as below    → changed only if something in it is
//! ```

mod stubs;

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, RawDir, ResolveFlags, Stat};
use rustix::io::Errno;

use crate::layer::{Found, IdShift, Walk, WalkError};
use crate::tar::shown;
use crate::view::{View, ViewError};

/// A container's writable layer, and what it is on top of.
#[derive(Debug, Clone)]
pub struct Upper<'a> {
    /// The image's layers, lowest first.
    pub lower: &'a [PathBuf],
    /// Overlayfs' upper directory.
    pub upper: &'a Path,
    /// The container's ids.
    pub ids: &'a IdShift,
    /// Names without a leading slash of what the runtime makes to mount something on. As long as
    /// they are empty they are no part of the container's changes.
    pub stubs: &'a [&'a str],
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// It is not in the image.
    Added,
    /// It is in the image, or something in it changed.
    Changed,
    /// It is in the image only.
    Deleted,
}

/// Why a writable layer cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum UpperError {
    /// The layers below cannot be looked at.
    #[error(transparent)]
    View(#[from] ViewError),
    /// A file cannot be looked at.
    #[error("cannot read {name:?}: {source}")]
    Io {
        /// Inside the layer.
        name: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// More files in a directory than are held in memory, or a name longer than a path.
    #[error("cannot read {0:?}: too many files in one directory, or too long a name")]
    Limit(String),
    /// Whoever was told did not want to hear more.
    #[error(transparent)]
    Tell(io::Error),
}

/// A directory that is as the one below it, as far as is known.
struct Pending {
    name: Vec<u8>,
    told: bool,
}

/// Hears of one file: what happened, and its name without a leading slash.
type Tell<'t> = dyn FnMut(Difference, &[u8]) -> io::Result<()> + 't;

impl Upper<'_> {
    /// Tells every difference, directories before what is in them, each directory in the order of
    /// its names' bytes. What changes meanwhile is told as it was or as it is.
    ///
    /// # Errors
    /// [`UpperError`].
    pub fn differences(&self, tell: &mut Tell<'_>) -> Result<(), UpperError> {
        let below = View::open(self.lower, None)?;
        let root = open_root(self.upper)?;
        let left_out = stubs::left_out(self, &below, &root)?;
        let mut pending: Vec<Pending> = Vec::new();
        let mut walk = Walk::new(root).map_err(|error| failed(b".", error))?;
        while let Some(next) = walk.next() {
            let found = match next {
                Ok(found) => found,
                // Deleted since its directory was listed.
                Err(WalkError::Kernel(Errno::NOENT)) => continue,
                Err(error) => return Err(failed(walk.name(), error)),
            };
            let name = walk.name().to_vec();
            if left_out.contains(&name) {
                continue;
            }
            pending.retain(|parent| {
                let inside = name.strip_prefix(parent.name.as_slice());
                inside.is_some_and(|rest| rest.starts_with(b"/"))
            });
            let known = look(below.as_fd(), &name).map_err(|error| failed(&name, error))?;
            let directory = found.kind() == FileType::Directory;
            let difference = match &known {
                _ if is_whiteout(&found) && known.is_none() => None,
                _ if is_whiteout(&found) => Some(Difference::Deleted),
                None => Some(Difference::Added),
                Some(known) => {
                    let only_stubs_changed = stubs::parent_of_some(&left_out, &name);
                    let same = directory && self.same(&found.stat, known, only_stubs_changed);
                    (!same).then_some(Difference::Changed)
                }
            };
            let opaque = directory && is_opaque(&found).map_err(|error| failed(&name, error))?;
            let hidden = match (opaque, &known) {
                (true, Some(known)) if is_directory(known) => self.hidden(&below, &name)?,
                _ => Vec::new(),
            };
            if difference.is_some() || !hidden.is_empty() {
                tell_parents(&mut pending, tell)?;
                let difference = difference.unwrap_or(Difference::Changed);
                tell(difference, &name).map_err(UpperError::Tell)?;
            }
            for child in hidden {
                tell(Difference::Deleted, &child).map_err(UpperError::Tell)?;
            }
            if directory {
                pending.push(Pending {
                    told: difference.is_some(),
                    name,
                });
                match walk.enter(&found) {
                    Ok(()) | Err(WalkError::Kernel(Errno::NOENT)) => {}
                    Err(error) => return Err(failed(walk.name(), error)),
                }
            }
        }
        Ok(())
    }

    /// What the runtime made and nobody used since, and directories that are changed only by that.
    pub(crate) fn left_out(&self) -> Result<BTreeSet<Vec<u8>>, UpperError> {
        let below = View::open(self.lower, None)?;
        stubs::left_out(self, &below, &open_root(self.upper)?)
    }

    /// As [`Upper::left_out`], for both layers seen as one: what the image has stays.
    pub(crate) fn left_out_of_both(&self) -> Result<BTreeSet<Vec<u8>>, UpperError> {
        let below = View::open(self.lower, None)?;
        let mut out = stubs::left_out(self, &below, &open_root(self.upper)?)?;
        let mut error = None;
        out.retain(|name| match look(below.as_fd(), name) {
            Ok(known) => known.is_none(),
            Err(found) => {
                error.get_or_insert(failed(name, found));
                true
            }
        });
        error.map_or(Ok(out), Err)
    }

    /// Whether a directory is as the one below; its time may have been changed by a stub in it.
    fn same(&self, upper: &Stat, below: &Stat, whatever_time: bool) -> bool {
        let time = |stat: &Stat| (stat.st_mtime, stat.st_mtime_nsec);
        is_directory(below)
            && upper.st_mode == below.st_mode
            && self.ids.uid(upper.st_uid) == below.st_uid
            && self.ids.gid(upper.st_gid) == below.st_gid
            && (whatever_time || time(upper) == time(below))
    }

    /// What an opaque directory hides and has not itself.
    fn hidden(&self, below: &View, name: &[u8]) -> Result<Vec<Vec<u8>>, UpperError> {
        let upper = open_root(self.upper)?;
        let list = || -> Result<Vec<Vec<u8>>, WalkError> {
            let mut hidden = Vec::new();
            for child in children(below.as_fd(), name)? {
                let path = [name, b"/", &child].concat();
                if look(upper.as_fd(), &path)?.is_none() {
                    hidden.push(path);
                }
            }
            hidden.sort_unstable();
            Ok(hidden)
        };
        list().map_err(|error| failed(name, error))
    }
}

fn tell_parents(pending: &mut [Pending], tell: &mut Tell<'_>) -> Result<(), UpperError> {
    for parent in pending.iter_mut().filter(|parent| !parent.told) {
        parent.told = true;
        tell(Difference::Changed, &parent.name).map_err(UpperError::Tell)?;
    }
    Ok(())
}

fn is_whiteout(found: &Found) -> bool {
    found.kind() == FileType::CharacterDevice && found.stat.st_rdev == 0
}

fn is_opaque(found: &Found) -> Result<bool, WalkError> {
    let mut value = [0; 1];
    match rustix::fs::getxattr(found.place(), "trusted.overlay.opaque", &mut value) {
        Ok(_) => Ok(value == *b"y"),
        Err(Errno::NODATA | Errno::NOTSUP | Errno::RANGE) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn is_directory(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

fn open_root(path: &Path) -> Result<OwnedFd, UpperError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).map_err(|error| UpperError::Io {
        name: path.display().to_string(),
        source: error.into(),
    })
}

fn open(root: impl AsFd, name: &[u8], flags: OFlags) -> Result<Option<OwnedFd>, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    match rustix::fs::openat2(root, name, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is at a name, no link followed.
fn look(root: impl AsFd, name: &[u8]) -> Result<Option<Stat>, WalkError> {
    let found = open(root, name, OFlags::PATH | OFlags::NOFOLLOW)?;
    Ok(found.map(rustix::fs::fstat).transpose()?)
}

/// Names in a directory; none where there is none.
fn children(root: impl AsFd, name: &[u8]) -> Result<Vec<Vec<u8>>, Errno> {
    let Some(directory) = open(root, name, OFlags::RDONLY | OFlags::DIRECTORY)? else {
        return Ok(Vec::new());
    };
    let mut names = Vec::new();
    let mut listing = Vec::with_capacity(16 * 1024);
    let mut entries = RawDir::new(directory, listing.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            names.push(name.to_vec());
        }
    }
    Ok(names)
}

fn failed(name: &[u8], error: WalkError) -> UpperError {
    match error {
        WalkError::Kernel(source) => UpperError::Io {
            name: shown(name),
            source: source.into(),
        },
        WalkError::TooDeep | WalkError::TooMany => UpperError::Limit(shown(name)),
    }
}
