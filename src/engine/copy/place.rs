//! Where a path leads, on the host or in a container, and what is there.
//!
//! In a container every link stays inside its root, whoever changes them meanwhile: directories
//! are opened by openat2 with RESOLVE_IN_ROOT, and the last name is looked at by itself.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rbox_runtime::rootfs::in_root;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

/// Links in the place of the last name that are followed.
const MOST_LINKS: usize = 40;

/// What a path leads to.
#[derive(Debug)]
pub struct Place {
    /// The directory that it is in; `None` where the path names a directory by itself (`/`, `..`).
    pub parent: Option<OwnedFd>,
    /// Its name there.
    pub name: String,
    /// What is there, pinned as a mere place.
    pub found: Option<Found>,
}

/// A file that is there.
#[derive(Debug)]
pub struct Found {
    /// Opened with `O_PATH`.
    pub file: OwnedFd,
    /// It is a directory.
    pub is_directory: bool,
    /// It is no file with content: a device, a pipe, a socket.
    pub is_special: bool,
}

/// Finds `path` below `root`, whether it starts with `/` or not. A link in the last place is
/// followed where `follow` says so or where the path ends in a slash.
///
/// # Errors
/// `NotFound` where a directory on the way is missing; as openat2(2).
pub fn find(root: BorrowedFd<'_>, path: &str, follow: bool) -> io::Result<Place> {
    let mut path = path.to_owned();
    let follow = follow || ends_as_directory(&path);
    for _ in 0..MOST_LINKS {
        let (directory, name) = split(&path);
        if matches!(name, "" | "." | "..") {
            let file = in_root::open(root, &path, OFlags::PATH | OFlags::DIRECTORY)?;
            return Ok(Place {
                parent: None,
                name: String::new(),
                found: Some(Found {
                    file,
                    is_directory: true,
                    is_special: false,
                }),
            });
        }
        let parent = in_root::open(root, directory, OFlags::PATH | OFlags::DIRECTORY)?;
        let found = look(parent.as_fd(), name)?;
        let target = match &found {
            Some((file, FileType::Symlink)) if follow => {
                rustix::fs::readlinkat(file, "", Vec::new())?
            }
            _ => {
                return Ok(Place {
                    name: name.to_owned(),
                    parent: Some(parent),
                    found: found.map(|(file, kind)| Found {
                        file,
                        is_directory: kind == FileType::Directory,
                        is_special: !matches!(
                            kind,
                            FileType::Directory | FileType::RegularFile | FileType::Symlink
                        ),
                    }),
                });
            }
        };
        let target = target
            .to_str()
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidFilename))?;
        path = match target.starts_with('/') {
            true => target.to_owned(),
            false => format!("{directory}/{target}"),
        };
    }
    Err(Errno::LOOP.into())
}

/// A file by its own name; links are not followed.
fn look(parent: BorrowedFd<'_>, name: &str) -> io::Result<Option<(OwnedFd, FileType)>> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(parent, name, flags, Mode::empty()) {
        Ok(file) => {
            let kind = FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode);
            Ok(Some((file, kind)))
        }
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The directory's path and the last name; that is empty for `/`.
fn split(path: &str) -> (&str, &str) {
    let mut path = path.trim_end_matches('/');
    // `a/.` is a.
    while let Some(rest) = path.strip_suffix("/.") {
        path = rest.trim_end_matches('/');
    }
    match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((directory, name)) => (directory, name),
        None => ("/", path),
    }
}

/// The path can only be a directory's.
pub fn ends_as_directory(path: &str) -> bool {
    path.ends_with('/') || path == "." || path.ends_with("/.")
}

/// The path means what is in the directory, and not the directory.
pub fn means_content(path: &str) -> bool {
    path == "." || path.ends_with("/.")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn paths_are_split_at_their_last_name() {
        for (path, expected) in [
            ("/a/b", ("/a", "b")),
            ("/a/b/", ("/a", "b")),
            ("/a/b/.", ("/a", "b")),
            ("a", ("/", "a")),
            ("/a", ("/", "a")),
            ("/", ("/", "")),
            ("/.", ("/", "")),
            ("/a/..", ("/a", "..")),
        ] {
            assert_eq!(split(path), expected, "{path}");
        }
    }

    #[test]
    fn no_link_leads_out_of_the_root() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().join("root");
        fs::create_dir_all(root.join("etc")).unwrap();
        fs::write(root.join("etc/inside"), "x").unwrap();
        fs::write(base.path().join("outside"), "x").unwrap();
        symlink("/etc/inside", root.join("absolute")).unwrap();
        symlink("../../../outside", root.join("up")).unwrap();
        symlink("/", root.join("top")).unwrap();
        symlink("round", root.join("round")).unwrap();
        let open = fs::File::open(&root).unwrap();
        let look = |path: &str, follow| find(open.as_fd(), path, follow).unwrap();
        assert!(look("/absolute", true).found.is_some());
        assert_eq!(look("/absolute", true).name, "inside");
        assert_eq!(look("/absolute", false).name, "absolute");
        let up = look("/up", true);
        assert!(up.found.is_none(), "outside is not in the root");
        assert!(look("/top/../../etc/inside", false).found.is_some());
        assert!(look("/top/", false).found.unwrap().is_directory);
        assert!(find(open.as_fd(), "/round", true).is_err());
        assert_eq!(
            find(open.as_fd(), "/no/such", true).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }
}
