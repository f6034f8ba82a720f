//! What is no work of the step's process leaves its layer: mount points that the runtime made,
//! and directories that are as the layers below have them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, Timespec, Timestamps, fgetxattr,
    flistxattr, fstat, futimens, openat, openat2, readlinkat, statat, unlinkat,
};
use rustix::io::Errno;

use super::stubs::{Kind, Node};

/// Directories deeper than this stay as they are: descriptors are held on the way down.
const DEEPEST: usize = 128;

/// Most bytes of extended attributes that are compared; directories with more stay.
const ATTRIBUTES: usize = 64 * 1024;

/// What is at a path below `root`, for [`super::stubs::missing`].
pub fn look(root: BorrowedFd<'_>, path: &Path) -> Option<Node> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let found = openat2(root, path, flags, Mode::empty(), resolve).ok()?;
    Some(match FileType::from_raw_mode(fstat(&found).ok()?.st_mode) {
        FileType::Directory => Node::Directory,
        FileType::Symlink => {
            let to = readlinkat(&found, "", Vec::new()).ok()?;
            Node::Symlink(PathBuf::from(std::ffi::OsStr::from_bytes(to.as_bytes())))
        }
        _ => Node::Other,
    })
}

/// Gives a fresh writable directory the mode, owner and time of the top of the layer below it.
pub fn adopt_top(upper: &Path, below: &Path) -> io::Result<()> {
    let upper = directory_at(CWD, upper)?;
    let status = fstat(directory_at(CWD, below)?)?;
    rustix::fs::fchown(
        &upper,
        Some(rustix::fs::Uid::from_raw(status.st_uid)),
        Some(rustix::fs::Gid::from_raw(status.st_gid)),
    )?;
    rustix::fs::fchmod(&upper, Mode::from_raw_mode(status.st_mode & 0o7777))?;
    set_times(upper.as_fd(), &status)
}

/// Takes out of `upper`, overlayfs' writable directory of a container that has ended, the mount
/// points in `made` that nobody used, and directories that hold nothing and are as in `below`,
/// the tree that the container began with.
///
/// # Errors
/// When a directory cannot be read or changed.
pub fn tidy(upper: &Path, below: BorrowedFd<'_>, made: &BTreeMap<PathBuf, Kind>) -> io::Result<()> {
    let top = directory_at(CWD, upper)?;
    // Children come after their parents in the order of paths.
    for (path, kind) in made.iter().rev() {
        remove_stub(top.as_fd(), path, *kind)?;
    }
    let parents: BTreeSet<&Path> = made
        .keys()
        .filter_map(|path| path.parent())
        .filter(|parent| !made.contains_key(*parent))
        .collect();
    for parent in parents {
        restore_times(top.as_fd(), below, parent)?;
    }
    prune(top.as_fd(), below, 0)
}

/// Removes a mount point if it is as it was made.
fn remove_stub(top: BorrowedFd<'_>, path: &Path, kind: Kind) -> io::Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(());
    };
    let Some(parent) = directory_in(top, parent)? else {
        return Ok(());
    };
    let status = match statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(()),
        other => other?,
    };
    let owned = status.st_uid == 0 && status.st_gid == 0;
    let kept = match (kind, FileType::from_raw_mode(status.st_mode)) {
        (Kind::Directory, FileType::Directory) => status.st_mode & 0o7777 != 0o755,
        (Kind::File, FileType::RegularFile) => status.st_size > 0 || status.st_nlink > 1,
        _ => true,
    };
    if kept || !owned {
        return Ok(());
    }
    let flags = match kind {
        Kind::Directory => AtFlags::REMOVEDIR,
        Kind::File => AtFlags::empty(),
    };
    // What was made in it later is the process's own.
    remove(parent.as_fd(), &CString::new(name.as_bytes())?, flags).map(|_| ())
}

/// Making a mount point changed its directory's time. Where the process itself added and removed
/// nothing there, the time is what it was.
fn restore_times(top: BorrowedFd<'_>, below: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let (Some(upper), Some(lower)) = (directory_in(top, path)?, directory_in(below, path)?) else {
        return Ok(());
    };
    for (name, kind) in entries(upper.as_fd())? {
        let whiteout = kind == FileType::CharacterDevice;
        let known = statat(&lower, name.as_c_str(), AtFlags::SYMLINK_NOFOLLOW).is_ok();
        if whiteout || !known {
            return Ok(());
        }
    }
    set_times(upper.as_fd(), &fstat(&lower)?)
}

/// Removes directories that say nothing new, deepest first.
fn prune(upper: BorrowedFd<'_>, below: BorrowedFd<'_>, depth: usize) -> io::Result<()> {
    if depth > DEEPEST {
        return Ok(());
    }
    for (name, kind) in entries(upper)? {
        if kind != FileType::Directory {
            continue;
        }
        let Some(lower) = directory_in(
            below,
            Path::new(std::ffi::OsStr::from_bytes(name.as_bytes())),
        )?
        else {
            // New, and all that is in it.
            continue;
        };
        let child = directory_at(upper, name.as_c_str())?;
        prune(child.as_fd(), lower.as_fd(), depth + 1)?;
        if entries(child.as_fd())?.is_empty() && alike(&child, &lower)? {
            remove(upper, &name, AtFlags::REMOVEDIR)?;
        }
    }
    Ok(())
}

/// Whether two directories have the same mode, owner, time and attributes.
fn alike(upper: &OwnedFd, lower: &OwnedFd) -> io::Result<bool> {
    let (a, b) = (fstat(upper)?, fstat(lower)?);
    let same = a.st_mode == b.st_mode
        && a.st_uid == b.st_uid
        && a.st_gid == b.st_gid
        && (a.st_mtime, a.st_mtime_nsec) == (b.st_mtime, b.st_mtime_nsec);
    if !same {
        return Ok(false);
    }
    let (Some(a), Some(b)) = (attributes(upper)?, attributes(lower)?) else {
        return Ok(false);
    };
    // A directory that hides the one below says something.
    Ok(a == b && !is_opaque(upper)?)
}

const OVERLAY: &[u8] = b"trusted.overlay.";

fn is_opaque(directory: &OwnedFd) -> io::Result<bool> {
    let mut value = [0u8; 1];
    match fgetxattr(directory, "trusted.overlay.opaque", &mut value) {
        Ok(1) => Ok(value == *b"y"),
        Ok(_) | Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(false),
        // A longer value than the kernel writes.
        Err(Errno::RANGE) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Extended attributes but for overlayfs' own; `None` where there are too many to compare.
fn attributes(file: &OwnedFd) -> io::Result<Option<BTreeMap<Vec<u8>, Vec<u8>>>> {
    let mut names = vec![0; ATTRIBUTES];
    let length = match flistxattr(file, &mut names) {
        Ok(length) => length,
        Err(Errno::OPNOTSUPP) => 0,
        Err(Errno::RANGE) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut all = BTreeMap::new();
    let own = names[..length]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty() && !name.starts_with(OVERLAY));
    for name in own {
        let mut value = vec![0; ATTRIBUTES];
        let length = fgetxattr(file, name, &mut value)?;
        value.truncate(length);
        all.insert(name.to_vec(), value);
    }
    Ok(Some(all))
}

/// Removes an entry and leaves the directory's time as it is; false for a directory that holds
/// something.
fn remove(directory: BorrowedFd<'_>, name: &CString, flags: AtFlags) -> io::Result<bool> {
    let status = fstat(directory)?;
    match unlinkat(directory, name.as_c_str(), flags) {
        Ok(()) => set_times(directory, &status).map(|()| true),
        Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn set_times(file: BorrowedFd<'_>, status: &Stat) -> io::Result<()> {
    let time = |seconds, nanoseconds: u64| Timespec {
        tv_sec: seconds,
        tv_nsec: i64::try_from(nanoseconds).unwrap_or(0),
    };
    let times = Timestamps {
        last_access: time(status.st_atime, status.st_atime_nsec),
        last_modification: time(status.st_mtime, status.st_mtime_nsec),
    };
    Ok(futimens(file, &times)?)
}

/// The directory at a path below `root` whose every part is a directory itself.
fn directory_in(root: BorrowedFd<'_>, path: &Path) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
    let path = match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    };
    match openat2(root, path, flags, Mode::empty(), resolve) {
        Ok(directory) => Ok(Some(directory)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn directory_at(parent: BorrowedFd<'_>, name: impl rustix::path::Arg) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(parent, name, flags, Mode::empty())?)
}

fn entries(directory: BorrowedFd<'_>) -> io::Result<Vec<(CString, FileType)>> {
    let mut all = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => {
                let status = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
                FileType::from_raw_mode(status.st_mode)
            }
            known => known,
        };
        all.push((name.to_owned(), kind));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A lower tree and an upper one, as overlayfs would have left it.
    struct Trees(tempfile::TempDir);

    impl Trees {
        /// Directories end with a slash; all are as old as each other.
        fn new(lower: &[&str], upper: &[&str]) -> Trees {
            let trees = Trees(tempfile::tempdir().unwrap());
            for (top, entries) in [("lower", lower), ("upper", upper)] {
                let top = trees.0.path().join(top);
                fs::create_dir(&top).unwrap();
                for entry in entries {
                    match entry.strip_suffix('/') {
                        Some(directory) => fs::create_dir_all(top.join(directory)).unwrap(),
                        None => fs::write(top.join(entry), "").unwrap(),
                    }
                }
            }
            for (top, entries) in [("lower", lower), ("upper", upper)] {
                for entry in entries {
                    trees.touch(&format!("{top}/{entry}"), 1000);
                }
            }
            trees
        }

        fn touch(&self, path: &str, seconds: u64) {
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            let file = fs::File::open(self.0.path().join(path)).unwrap();
            file.set_modified(time).unwrap();
        }

        fn time(&self, path: &str) -> u64 {
            let time = fs::metadata(self.0.path().join(path)).unwrap().modified();
            let since = time.unwrap().duration_since(std::time::UNIX_EPOCH);
            since.unwrap().as_secs()
        }

        /// What is left in the upper one.
        fn tidy(&self, made: &[(&str, Kind)]) -> Vec<String> {
            let below = fs::File::open(self.0.path().join("lower")).unwrap();
            let made = made.iter().map(|(path, kind)| (PathBuf::from(path), *kind));
            let upper = self.0.path().join("upper");
            tidy(&upper, below.as_fd(), &made.collect()).unwrap();
            let mut left = Vec::new();
            list(&upper, "", &mut left);
            left.sort();
            left
        }
    }

    fn list(directory: &Path, prefix: &str, left: &mut Vec<String>) {
        for entry in fs::read_dir(directory).unwrap().flatten() {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type().unwrap().is_dir() {
                list(&entry.path(), &format!("{name}/"), left);
            }
            left.push(name);
        }
    }

    #[test]
    fn directories_that_are_as_before_and_hold_nothing_go() {
        let trees = Trees::new(
            &["a/b/", "a/", "c/", "d/"],
            &["a/b/", "a/", "c/", "d/", "e/"],
        );
        trees.touch("upper/c", 2000);
        fs::set_permissions(
            trees.0.path().join("upper/d"),
            std::os::unix::fs::PermissionsExt::from_mode(0o700),
        )
        .unwrap();
        assert_eq!(trees.tidy(&[]), ["c", "d", "e"]);
    }

    #[test]
    fn mount_points_go_unless_they_were_used() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("SKIPPED mount_points_go_unless_they_were_used: needs root");
            return;
        }
        let upper = ["etc/hosts", "etc/", "run/s/x", "run/s/mine", "srv/", "full"];
        let trees = Trees::new(&["etc/"], &["etc/", "run/s/", "srv/"]);
        for path in upper.iter().filter(|path| !path.ends_with('/')) {
            fs::write(trees.0.path().join("upper").join(path), "").unwrap();
        }
        fs::write(trees.0.path().join("upper/full"), "x").unwrap();
        trees.touch("upper/etc", 3000);
        let made = [
            ("etc/hosts", Kind::File),
            ("full", Kind::File),
            ("run", Kind::Directory),
            ("run/s", Kind::Directory),
            ("run/s/x", Kind::File),
            ("srv", Kind::Directory),
        ];
        assert_eq!(trees.tidy(&made), ["full", "run", "run/s", "run/s/mine"]);
    }

    #[test]
    fn a_directory_keeps_its_time_unless_the_process_changed_it() {
        if !rustix::process::geteuid().is_root() {
            eprintln!(
                "SKIPPED a_directory_keeps_its_time_unless_the_process_changed_it: needs root"
            );
            return;
        }
        let trees = Trees::new(
            &["a/", "a/known", "b/"],
            &["a/", "a/known", "a/stub", "b/", "b/stub", "b/new"],
        );
        trees.touch("upper/a", 3000);
        trees.touch("upper/b", 3000);
        trees.tidy(&[("a/stub", Kind::File), ("b/stub", Kind::File)]);
        assert_eq!((trees.time("upper/a"), trees.time("upper/b")), (1000, 3000));
    }
}
