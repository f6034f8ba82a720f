//! The images that a starting container has mounted in it.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rbox_runtime::rootfs::in_root;
use rustix::io::Errno;
use rustix::mount::{OpenTreeFlags, open_tree};

use super::start::root_filesystem;
use crate::engine::Engine;
use crate::engine::failure::Failure;
use crate::engine::record::Record;
use crate::engine::volume::image;

/// A detached mount for each, by the path that it is mounted on.
///
/// # Errors
/// An image or a path in it that is not there.
pub fn open(
    engine: &Engine,
    record: &Record,
    container: &Path,
) -> Result<Vec<(String, OwnedFd)>, Failure> {
    let directories = image::directories(container, record);
    let mut trees = Vec::new();
    for ((target, id), directory) in record.mounted_images.iter().zip(directories) {
        let failed = |error: &dyn std::fmt::Display| {
            Failure::new(format!("mount image {id} at {target}: {error}"))
        };
        let layers = engine
            .images
            .get(id)
            .map_err(|error| failed(&error))?
            .layers;
        let tree = root_filesystem(&layers, &directory, record.user_namespace.as_ref(), false)
            .map_err(|error| failed(&error))?;
        let mut mounts = record.host.mounts.iter();
        let below = mounts
            .find(|mount| mount.target == *target)
            .map_or("", |mount| mount.subpath.as_str());
        let tree = match below {
            "" => tree,
            below => part(tree, below).map_err(|error| failed(&error))?,
        };
        trees.push((target.clone(), tree));
    }
    Ok(trees)
}

/// A mount of what is at a path of the image; links lead nowhere but inside it.
fn part(tree: OwnedFd, below: &str) -> Result<OwnedFd, String> {
    let found =
        in_root::locate(tree.as_fd(), below).map_err(|error| format!("{below}: {error}"))?;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH;
    open_tree(found, "", flags).map_err(|error| match error {
        Errno::INVAL => "image-subpath needs Linux 6.15".to_owned(),
        error => format!("{below}: {error}"),
    })
}
