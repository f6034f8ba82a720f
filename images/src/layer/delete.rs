//! Deleting a tree of any depth with a fixed number of descriptors and no recursion.
//!
//! The standard library keeps one descriptor open for each level, and an image may be deeper than
//! the limit on descriptors. This walk keeps one, and goes up by `..`; that is safe as nobody else
//! renames inside a layer.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

/// Deletes the directory `name` of `parent` and everything in it; links are never followed.
pub(crate) fn delete_tree(parent: BorrowedFd<'_>, name: &[u8]) -> Result<(), Errno> {
    let mut here = open_directory(parent, name)?;
    let mut path = vec![name.to_vec()];
    loop {
        match clear_files(here.as_fd())? {
            Some(child) => {
                here = open_directory(here.as_fd(), &child)?;
                path.push(child);
            }
            None => {
                let Some(emptied) = path.pop() else {
                    return Ok(());
                };
                if path.is_empty() {
                    return rustix::fs::unlinkat(parent, emptied.as_slice(), AtFlags::REMOVEDIR);
                }
                let up = open_directory(here.as_fd(), b"..")?;
                rustix::fs::unlinkat(&up, emptied.as_slice(), AtFlags::REMOVEDIR)?;
                here = up;
            }
        }
    }
}

/// Unlinks until a directory is met that is not empty; its name, or `None` when all is gone.
fn clear_files(directory: BorrowedFd<'_>) -> Result<Option<Vec<u8>>, Errno> {
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if matches!(name, b"." | b"..") {
            continue;
        }
        if entry.file_type() == FileType::Directory {
            // Whatever was listed before is gone, so that listing anew later starts behind it.
            match rustix::fs::unlinkat(directory, name, AtFlags::REMOVEDIR) {
                Err(Errno::NOTEMPTY | Errno::EXIST) => return Ok(Some(name.to_vec())),
                other => other?,
            }
            continue;
        }
        match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
            // Filesystems that do not tell the type in the listing.
            Err(Errno::ISDIR) => return Ok(Some(name.to_vec())),
            other => other?,
        }
    }
    Ok(None)
}

fn open_directory(parent: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_deeper_than_the_limit_on_descriptors_goes_away_whole() {
        let base = tempfile::tempdir().unwrap();
        let parent: OwnedFd = std::fs::File::open(base.path()).unwrap().into();
        rustix::fs::mkdirat(&parent, "top", Mode::RWXU).unwrap();
        let mut here = open_directory(parent.as_fd(), b"top").unwrap();
        for _ in 0..3000 {
            rustix::fs::mkdirat(&here, "d", Mode::RWXU).unwrap();
            rustix::fs::symlinkat("/", &here, "link").unwrap();
            here = open_directory(here.as_fd(), b"d").unwrap();
        }
        delete_tree(parent.as_fd(), b"top").unwrap();
        assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_link_is_never_entered() {
        let base = tempfile::tempdir().unwrap();
        std::fs::create_dir(base.path().join("kept")).unwrap();
        std::fs::write(base.path().join("kept/file"), "x").unwrap();
        std::fs::create_dir(base.path().join("gone")).unwrap();
        std::os::unix::fs::symlink("../kept", base.path().join("gone/link")).unwrap();
        let parent: OwnedFd = std::fs::File::open(base.path()).unwrap().into();
        delete_tree(parent.as_fd(), b"gone").unwrap();
        assert!(base.path().join("kept/file").exists());
        assert!(delete_tree(parent.as_fd(), b"nosuch").is_err());
    }
}
