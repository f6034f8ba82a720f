//! `cp`: files as a tar, and a tar put where somebody lives. Which files, and whose, is for the
//! caller to say; both ends may be a container that runs and means ill.

use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;

use crate::compression::decode;
use crate::context::scratch_file;
use crate::layer::{self, IdShift, PackError, PackedTree, Packer, UnpackError};

pub use crate::layer::{Owners, Placed, Placing};

/// Files that become a tar.
#[derive(Debug)]
pub struct Source {
    /// A directory, or a file of another kind; a mere place (`O_PATH`) will do.
    pub file: OwnedFd,
    /// It is a directory.
    pub is_directory: bool,
    /// What it is called in the tar. Empty (of a directory only): it is not in it itself, but what
    /// it has is.
    pub name: Vec<u8>,
    /// The ids that its files have on disk, to be told as the container does.
    pub ids: IdShift,
}

/// The tar of some files, made while it is read: sorted, hard links kept, what is mounted below
/// included, sockets and the kernel's own filesystems left out.
///
/// # Errors
/// [`PackError`], also from reading, inside an [`io::Error`].
pub fn pack(source: Source) -> Result<impl Read, PackError> {
    let tree = PackedTree::Copied {
        ids: source.ids,
        top: source.name,
    };
    match source.is_directory {
        true => Packer::new(source.file, tree),
        false => Packer::of_file(source.file, tree),
    }
}

/// Puts a tar, packed or not, into a directory. `notes` is a directory for a file without a name.
///
/// # Errors
/// [`UnpackError`]; what was put there before stays.
pub fn place(
    tar: impl Read,
    directory: OwnedFd,
    notes: &Path,
    placing: &Placing,
) -> Result<Placed, UnpackError> {
    let failed = |source: io::Error| UnpackError::Io {
        name: ".".to_owned(),
        source,
    };
    let scratch = scratch_file(notes).map_err(failed)?;
    let (_, plain) = decode(tar).map_err(failed)?;
    layer::place(plain, directory, scratch, placing)
}

/// Whether a file is on one of the kernel's own filesystems, `/proc` and the like.
///
/// # Errors
/// As fstatfs(2).
pub fn is_kernels(file: impl std::os::fd::AsFd) -> io::Result<bool> {
    Ok(layer::kernels::owns(file)?)
}
