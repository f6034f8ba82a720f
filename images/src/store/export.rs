//! All files of a container as one tar.

use std::io::{self, Read, Write};
use std::os::fd::AsFd as _;
use std::path::PathBuf;

use super::Store;
use super::snapshot::SnapshotError;
use crate::layer::{PackError, PackedTree, Packer};
use crate::upper::{Upper, UpperError};
use crate::view::{View, ViewError};

/// Why a container's files were not written; what was written of the tar is of no use.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The files cannot be looked at.
    #[error(transparent)]
    View(#[from] ViewError),
    /// The writable layer cannot be read.
    #[error(transparent)]
    Upper(#[from] UpperError),
    /// The writable layer cannot be copied.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A file cannot be in a tar.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// Reading or writing failed halfway.
    #[error("cannot write the archive: {0}")]
    Io(#[from] io::Error),
}

impl Store {
    /// Writes the files of a container, image and writable layer together, as the container sees
    /// them but for what is mounted into it. The container may be running.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn export(&self, upper: &Upper<'_>, out: &mut dyn Write) -> Result<(), ExportError> {
        let left_out = upper.left_out_of_both()?;
        let _hold = self.hold().map_err(SnapshotError::from)?;
        let mut stack: Vec<PathBuf> = upper.lower.to_vec();
        if upper.ids.is_identity() {
            stack.push(upper.upper.to_owned());
        } else {
            // Owners differ only in the writable layer, which one mount cannot tell apart.
            let layer = self.commit_upper(upper)?;
            let tree = self.layer_tree(&layer.diff_id);
            // Overlayfs refuses the same directory twice; the upper one says all that it says.
            stack.retain(|lower| *lower != tree);
            stack.push(tree);
        }
        let view = View::open(&stack, None)?;
        let root = view.as_fd().try_clone_to_owned()?;
        let mut packer = Packer::new(root, PackedTree::Merged { left_out })?;
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match packer.read(&mut buffer)? {
                0 => return Ok(()),
                read => out.write_all(&buffer[..read])?,
            }
        }
    }
}
