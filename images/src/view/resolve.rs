//! What a path means inside a root whose links nobody vouches for.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use super::path::joined;

/// As the kernel has it (`path_resolution(7)`).
const MOST_LINKS: usize = 40;

/// A path without links.
pub(crate) struct Resolved {
    /// Its names from the root on.
    pub(crate) components: Vec<Vec<u8>>,
    /// What is there; nothing when the last, or one before it, does not exist.
    pub(crate) stat: Option<Stat>,
}

/// Why a path means nothing.
#[derive(Debug)]
pub(crate) enum ResolveError {
    /// Links lead in a circle.
    Loop,
    /// Something else is in the place of a directory.
    NotDirectory,
    /// The caller does not let itself be led there.
    Hidden,
    /// The kernel refused.
    Kernel(Errno),
}

impl ResolveError {
    /// For messages that name the path.
    pub(crate) fn problem(&self) -> &'static str {
        match self {
            ResolveError::Loop => "too many levels of symbolic links",
            ResolveError::NotDirectory => "not a directory",
            ResolveError::Hidden => "not found",
            ResolveError::Kernel(_) => "it cannot be looked at",
        }
    }
}

impl From<Errno> for ResolveError {
    fn from(error: Errno) -> ResolveError {
        ResolveError::Kernel(error)
    }
}

/// Follows all links among `names`, the last one too, as if `root` were `/`. What is missing is
/// taken as it is written. `visible` is asked for each link before it is followed.
///
/// One descriptor is open at a time: a path may be deeper than their limit.
pub(crate) fn resolve(
    root: BorrowedFd<'_>,
    names: &[Vec<u8>],
    visible: &mut dyn FnMut(&[Vec<u8>]) -> bool,
) -> Result<Resolved, ResolveError> {
    let directory = OFlags::PATH | OFlags::DIRECTORY;
    let mut todo: VecDeque<Vec<u8>> = names.iter().cloned().collect();
    let mut done: Vec<Vec<u8>> = Vec::new();
    let mut here = open_plain(root, b"", directory)?;
    let mut found = Some(rustix::fs::fstat(&here)?);
    let mut links = 0;
    while let Some(name) = todo.pop_front() {
        if name == b".." {
            // Everything in `done` is a real directory, or missing: its parent is the last's.
            done.pop();
            (here, found) = reopen(root, &done)?;
            continue;
        }
        match found {
            // Below something missing all is missing.
            None => {
                done.push(name);
                continue;
            }
            Some(stat) if kind(&stat) != FileType::Directory => {
                return Err(ResolveError::NotDirectory);
            }
            Some(_) => {}
        }
        match rustix::fs::statat(&here, name.as_slice(), AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => {
                found = None;
                done.push(name);
            }
            Err(error) => return Err(error.into()),
            Ok(stat) if kind(&stat) == FileType::Symlink => {
                links += 1;
                if links > MOST_LINKS {
                    return Err(ResolveError::Loop);
                }
                let target = rustix::fs::readlinkat(&here, name.as_slice(), Vec::new())?;
                done.push(name);
                if !visible(&done) {
                    return Err(ResolveError::Hidden);
                }
                done.pop();
                let target = target.as_bytes();
                if target.starts_with(b"/") {
                    done.clear();
                    (here, found) = reopen(root, &done)?;
                }
                for part in target.split(|byte| *byte == b'/').rev() {
                    if !matches!(part, b"" | b".") {
                        todo.push_front(part.to_vec());
                    }
                }
            }
            Ok(stat) => {
                if kind(&stat) == FileType::Directory {
                    here = open_plain(here.as_fd(), &name, directory)?;
                }
                found = Some(stat);
                done.push(name);
            }
        }
    }
    Ok(Resolved {
        components: done,
        stat: found,
    })
}

fn reopen(
    root: BorrowedFd<'_>,
    names: &[Vec<u8>],
) -> Result<(OwnedFd, Option<Stat>), ResolveError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    match open_plain(root, &joined(names), flags) {
        Ok(here) => {
            let stat = rustix::fs::fstat(&here)?;
            Ok((here, Some(stat)))
        }
        // `..` of something missing that is itself below something missing.
        Err(Errno::NOENT) => Ok((open_plain(root, b"", flags)?, None)),
        Err(error) => Err(error.into()),
    }
}

fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// Opens a path below `root` that has no links; the root itself for an empty one.
pub(crate) fn open_plain(
    root: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    let path = if path.is_empty() { b"." } else { path };
    rustix::fs::openat2(
        root,
        path,
        flags | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS,
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::super::path::clean;
    use super::*;

    fn resolved(base: &std::path::Path, path: &str) -> Result<(String, bool), ResolveError> {
        let root: OwnedFd = fs::File::open(base).unwrap().into();
        let found = resolve(root.as_fd(), &clean(path.as_bytes()), &mut |_| true)?;
        let path = String::from_utf8(joined(&found.components)).unwrap();
        Ok((path, found.stat.is_some()))
    }

    #[test]
    fn links_lead_to_files_of_the_root() {
        let base = tempfile::tempdir().unwrap();
        let inside = |path: &str| base.path().join(path);
        fs::create_dir_all(inside("a/b")).unwrap();
        fs::write(inside("a/b/file"), "").unwrap();
        symlink("/a/b", inside("absolute")).unwrap();
        symlink("../../../../a", inside("a/up")).unwrap();
        symlink("/nowhere/at/all", inside("dangling")).unwrap();
        symlink("circle", inside("circle")).unwrap();
        let at = |path: &str| resolved(base.path(), path).unwrap();
        assert_eq!(at("absolute/file"), ("a/b/file".into(), true));
        assert_eq!(at("a/up/up/b"), ("a/b".into(), true));
        assert_eq!(at("dangling/x"), ("nowhere/at/all/x".into(), false));
        assert_eq!(at("a/missing/deeper"), ("a/missing/deeper".into(), false));
        assert_eq!(at(""), (String::new(), true));
        let error = |path: &str| resolved(base.path(), path).err().unwrap().problem();
        assert_eq!(error("circle"), "too many levels of symbolic links");
        assert_eq!(error("a/b/file/x"), "not a directory");
    }

    #[test]
    fn a_link_that_is_not_shown_is_not_followed() {
        let base = tempfile::tempdir().unwrap();
        symlink("/etc", base.path().join("link")).unwrap();
        let root: OwnedFd = fs::File::open(base.path()).unwrap().into();
        let hidden = resolve(root.as_fd(), &clean(b"link/passwd"), &mut |_| false);
        assert!(matches!(hidden, Err(ResolveError::Hidden)));
    }
}
