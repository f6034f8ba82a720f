//! What can go wrong.

use std::io;

use rustix::io::Errno;

use crate::context::WalkError;
use crate::layer::UnpackError;
use crate::view::shown;

/// Why something was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Several files cannot have one name.
    #[error(
        "When using {0} with more than one source file, the destination must be a directory and end with a /"
    )]
    NeedsDirectory(&'static str),
    /// A directory shall be where the image has something else.
    #[error("cannot copy to non-directory: {0}")]
    NotDirectory(String),
    /// A file shall be where the image has a directory.
    #[error("cannot replace to directory {0} with file")]
    IsDirectory(String),
    /// A name that means a deleted file in a layer.
    #[error("cannot copy {0}: names that begin with \".wh.\" mean deleted files in a layer")]
    Whiteout(String),
    /// A path of the image that leads nowhere.
    #[error("{path}: {problem}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A file changed after its digest was taken, or while it was copied.
    #[error("{0} changed while it was being copied")]
    Changed(String),
    /// The source cannot be read.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// An archive that is unpacked by `ADD` is refused or cannot be written.
    #[error("cannot unpack {path}: {source}")]
    Unpack {
        /// The archive.
        path: String,
        /// Why.
        source: UnpackError,
    },
    /// An archive packed in a way that is not read here.
    #[error("cannot unpack {path}: {problem}")]
    Packing {
        /// The archive.
        path: String,
        /// How it is packed.
        problem: String,
    },
    /// The copy cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// In the image.
        path: String,
        /// Why.
        source: io::Error,
    },
}

impl CopyError {
    pub(super) fn write(path: &[u8], error: Errno) -> CopyError {
        match error {
            Errno::NOTDIR => CopyError::NotDirectory(shown(path)),
            error => CopyError::Write {
                path: shown(path),
                source: error.into(),
            },
        }
    }
}
