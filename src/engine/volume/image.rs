//! `--mount type=image`: the files of an image, read-only, as a container of it would find them.
//!
//! Each is an overlay of its own, as a container's root is, so that a user namespace's ids are
//! mapped in the same way. Nobody writes to its upper directory.

use std::path::{Path, PathBuf};

use rbox_images::Store;

use crate::engine::failure::Failure;
use crate::engine::record::Record;
use crate::engine::request::MountKind;

/// Finds the images that a record mounts.
///
/// # Errors
/// The image that is not there.
pub fn resolve(images: &Store, record: &mut Record) -> Result<(), Failure> {
    for mount in &record.host.mounts {
        if mount.kind == MountKind::Image {
            let image = images.get(&mount.source).map_err(|error| {
                Failure::new(error.to_string())
                    .hint(format!("`rbox pull {}` may bring it in", mount.source))
            })?;
            record.mounted_images.insert(mount.target.clone(), image.id);
        }
    }
    Ok(())
}

/// Where the upper and work directories of each are, in the order of the paths in the container.
pub fn directories(container: &Path, record: &Record) -> Vec<PathBuf> {
    (0..record.mounted_images.len())
        .map(|index| container.join("images").join(index.to_string()))
        .collect()
}
