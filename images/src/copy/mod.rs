//! `COPY` into a view, and what else an instruction writes by itself.
//!
//! What is copied where, as BuildKit does it:
//! - a directory's contents go into the destination, which is made if need be (mode 0755); its own
//!   mode and owner are not copied, those of the directories in it are, also onto existing ones;
//! - a file goes to the destination's name, or into it if it is a directory or ends in `/`;
//! - links among the sources and in the destination are followed, each inside its own root; links
//!   in a copied directory are copied as links, and where the image has a link in the place of a
//!   directory of the source, that is an error;
//! - names of one file within one source stay names of one file.

mod apply;
mod attributes;
mod data;
mod destination;
mod mode;
mod owner;

pub use apply::{CopyError, apply, make_directory, write};
pub use destination::Destination;
pub use mode::{ModeChange, ModeError};
pub use owner::{Owner, OwnerError, resolve_owner};

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
}
