//! The files of a build's state, for the builder itself to read and to write.
//!
//! A view is a *detached* overlay mount: it has no place in any mount table, so that it is gone
//! with its descriptor, however this process ends, and nobody else can reach into it. All work
//! goes through the descriptor, and every path is resolved inside it: a symbolic link of the image
//! leads to a file of the image, be it absolute or full of `..`.
//!
//! ```text
//!  layers/<a>/fs ─┐ lower            ┌─ read("etc/passwd")
//!  layers/<b>/fs ─┼──▶ View (fd) ────┼─ resolve, make_path
//!  workspace/fs  ─┘ upper            └─ mount, for whoever attaches it
//! ```

mod overlay;
mod path;
mod resolve;

pub(crate) use path::{clean, joined, shown};
pub(crate) use resolve::{ResolveError, open_plain, resolve};

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

/// The files of stacked layers, read-only or with a writable directory on top.
#[derive(Debug)]
pub struct View {
    root: OwnedFd,
    writable: bool,
}

/// Why layers cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// There is nothing to look at.
    #[error("a view needs at least one directory")]
    Nothing,
    /// A directory of the stack cannot be opened.
    #[error("overlay directory {path}: {source}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// More layers than this kernel's interface can name (before Linux 6.7).
    #[error("{0} layers are too many for this kernel's overlayfs (Linux 6.7 takes more)")]
    TooManyLayers(usize),
    /// The kernel has no overlayfs or refuses the stack.
    #[error("overlay: {step}: {source}{log}")]
    Kernel {
        /// Which call failed.
        step: &'static str,
        /// Its error.
        source: io::Error,
        /// What the kernel adds, each line after `; `.
        log: String,
    },
}

/// Why a file of a view cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ViewReadError {
    /// Larger than the caller takes.
    #[error("{path} is larger than {limit} bytes")]
    TooLarge {
        /// The file.
        path: String,
        /// What would have been taken.
        limit: usize,
    },
    /// A directory, device or pipe.
    #[error("{0} is not a regular file")]
    NotRegular(String),
    /// Links in a circle, or a file in the place of a directory.
    #[error("{path}: {problem}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The kernel refused.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
}

impl View {
    /// Stacks `lower` (lowest first, as in an image) below the writable directory of `writable`,
    /// with overlayfs' work directory beside it on the same filesystem: an empty one, which is of
    /// no use to another view afterwards.
    ///
    /// Without `lower` the writable directory itself is the view: so a first layer on `scratch` is
    /// made, and the layer of `COPY --link`, which knows nothing of what is below it. Without
    /// `writable` and with one layer, that layer's directory is the view, and nothing is mounted.
    ///
    /// # Errors
    /// [`ViewError`], naming the directory or the refused step.
    pub fn open(lower: &[PathBuf], writable: Option<(&Path, &Path)>) -> Result<View, ViewError> {
        let root = match (lower, writable) {
            ([], None) => return Err(ViewError::Nothing),
            ([], Some((upper, _))) => overlay::directory(upper)?,
            ([only], None) => overlay::directory(only)?,
            (lower, writable) => overlay::detached(lower, writable)?,
        };
        Ok(View {
            root,
            writable: writable.is_some(),
        })
    }

    /// Whether something may be written.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// A regular file of at most `limit` bytes, links followed inside the view; `None` when there
    /// is none.
    ///
    /// # Errors
    /// [`ViewReadError`]: the file is none that can be read, or is too large.
    pub fn read(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, ViewReadError> {
        read_below(self.root.as_fd(), path.as_bytes(), limit)
    }
}

impl AsFd for View {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }
}

/// [`View::read`], for any root.
pub(crate) fn read_below(
    root: BorrowedFd<'_>,
    path: &[u8],
    limit: usize,
) -> Result<Option<Vec<u8>>, ViewReadError> {
    let shown = || shown(path);
    let failed = |source: io::Error| ViewReadError::Io {
        path: shown(),
        source,
    };
    let found = match resolve(root, &clean(path), &mut |_| true) {
        Ok(found) => found,
        Err(ResolveError::Kernel(error)) => return Err(failed(error.into())),
        Err(error) => {
            return Err(ViewReadError::Path {
                path: shown(),
                problem: error.problem(),
            });
        }
    };
    let Some(stat) = found.stat else {
        return Ok(None);
    };
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(ViewReadError::NotRegular(shown()));
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = open_plain(root, &joined(&found.components), flags)
        .map_err(|error| failed(error.into()))?;
    read_all(file, limit).map_err(failed)?.map_or_else(
        || {
            Err(ViewReadError::TooLarge {
                path: shown(),
                limit,
            })
        },
        |bytes| Ok(Some(bytes)),
    )
}

/// The whole file, or `None` when it is longer than `limit`.
fn read_all(file: OwnedFd, limit: usize) -> io::Result<Option<Vec<u8>>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    std::fs::File::from(file)
        .take(most)
        .read_to_end(&mut bytes)?;
    Ok((bytes.len() <= limit).then_some(bytes))
}

/// Opens the directory at a plain path below `root`, making what is missing, mode 0755; each
/// directory that is made is told to `made`.
pub(crate) fn make_path(
    root: BorrowedFd<'_>,
    components: &[Vec<u8>],
    made: &mut dyn FnMut(BorrowedFd<'_>) -> Result<(), Errno>,
) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    match open_plain(root, &joined(components), flags) {
        Err(Errno::NOENT) => {}
        other => return other,
    }
    let mut here = open_plain(root, b"", flags)?;
    for name in components {
        here = match open_plain(here.as_fd(), name, flags) {
            Err(Errno::NOENT) => {
                rustix::fs::mkdirat(&here, name.as_slice(), Mode::from_raw_mode(0o755))?;
                let new = open_plain(here.as_fd(), name, flags)?;
                // Whatever the umask.
                rustix::fs::fchmod(&new, Mode::from_raw_mode(0o755))?;
                made(new.as_fd())?;
                new
            }
            other => other?,
        };
    }
    Ok(here)
}
