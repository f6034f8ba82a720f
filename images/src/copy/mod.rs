//! `COPY` into a view, and what else an instruction writes by itself.
//!
//! What is copied where, as BuildKit does it:
//! - a directory's contents go into the destination, which is made if need be (mode 0755); its own
//!   mode and owner are not copied, those of the directories in it are, also onto existing ones;
//! - a file goes to the destination's name, or into it if it is a directory or ends in `/`;
//! - links among the sources and in the destination are followed, each inside its own root; links
//!   in a copied directory are copied as links, and where the image has a link in the place of a
//!   directory of the source, that is an error;
//! - names of one file within one source stay names of one file;
//! - `ADD` unpacks archives into the destination, names and links of the archive inside it.

mod apply;
mod archive;
mod attributes;
mod data;
mod destination;
mod download;
mod error;
mod mode;
mod node;
mod owner;
mod place;
mod source;

pub use apply::{apply, make_directory, write};
pub use destination::Destination;
pub use download::{DownloadError, Downloaded, SourceKind, download};
pub use error::CopyError;
pub use mode::{ModeChange, ModeError};
pub use owner::{Owner, OwnerError, resolve_owner};

use std::path::PathBuf;

/// How files are copied.
#[derive(Debug, Clone)]
pub struct CopyOptions {
    /// `COPY` or `ADD`, for messages.
    pub instruction: &'static str,
    /// Where to.
    pub destination: Destination,
    /// `--chown`, also for the directories made on the way. Without it copies from the context
    /// belong to root, and copies from an image keep their owners.
    pub owner: Option<Owner>,
    /// `--chmod`.
    pub mode: Option<ModeChange>,
    /// Whether files that are archives (tar, also packed by gzip or zstd) are unpacked into the
    /// destination, as `ADD` does: a directory of the caller's for notes meanwhile.
    pub unpack: Option<PathBuf>,
}
