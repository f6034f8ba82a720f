//! Files of the kernel's own proc filesystem, and of nothing that pretends to
//! be it.
//!
//! What the runtime writes to proc decides over isolation: sysctls, id maps,
//! security labels, the OOM score. Were one of those paths something else (a
//! tmpfs over /proc, a file of proc mounted onto another), the write would be
//! lost, or do harm elsewhere (CVE-2019-19921, CVE-2025-52881). So a write goes
//! through a descriptor of a root that is proc's, to a file that no mount and
//! no symlink stands in front of. Where the caller's /proc is not that, a
//! private proc that appears in no mount table takes its place.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, fstat, fstatfs, openat, openat2, readlinkat};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_string, fsmount,
    fsopen,
};

use super::{Failure, Naming};

/// `PROC_SUPER_MAGIC`
const PROC_MAGIC: i64 = 0x9fa0;
/// `PROC_ROOT_INO`: a bind of a part of proc has another one.
const PROC_ROOT_INODE: u64 = 1;

/// A proc filesystem that was verified to be one. It stays that when the
/// process enters other namespaces.
#[derive(Debug)]
pub(crate) struct Procfs {
    root: OwnedFd,
    /// It is a mount of our own, or the container's: no other takes its place.
    private: bool,
}

impl Procfs {
    /// The caller's /proc, or a private one where that is not proc.
    ///
    /// # Errors
    /// `ENODEV`: /proc is something else, and no other may be mounted.
    pub(crate) fn open() -> io::Result<Self> {
        match openat(CWD, "/proc", DIRECTORY, Mode::empty()) {
            Ok(root) if is_root_of_proc(&root)? => Ok(Self {
                root,
                private: false,
            }),
            _ => Self::private("").map_err(|_| Errno::NODEV.into()),
        }
    }

    /// The proc that lies at /proc of a container's root.
    ///
    /// # Errors
    /// `ENODEV` when something else does; as openat2.
    fn of_container(root: BorrowedFd<'_>) -> io::Result<Self> {
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_SYMLINKS;
        let root = openat2(root, "proc", DIRECTORY, Mode::empty(), resolve)?;
        if !is_root_of_proc(&root)? {
            return Err(Errno::NODEV.into());
        }
        Ok(Self {
            root,
            private: true,
        })
    }

    /// A detached mount with nothing mounted in it; `subset` is the mount
    /// option of that name, `""` for all of proc.
    fn private(subset: &str) -> io::Result<Self> {
        let context = fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
        if !subset.is_empty() {
            fsconfig_set_string(&context, "subset", subset)?;
        }
        fsconfig_create(&context)?;
        let harmless = MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        Ok(Self {
            root: fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, harmless)?,
            private: true,
        })
    }

    /// Opens what lies at `path` (`sys/kernel/msgmax`, `123/uid_map`). Symlinks
    /// are not followed; for files of this process there is [`Self::open_own`].
    ///
    /// # Errors
    /// As openat2; `EXDEV` when something is mounted over the path and no
    /// private proc may be mounted.
    pub(crate) fn open_file(&self, path: impl AsRef<Path>, flags: OFlags) -> io::Result<OwnedFd> {
        let path = path.as_ref();
        match self.lookup(path, flags) {
            // Nested in a container whose proc is masked, or behind lxcfs.
            Err(Errno::XDEV) if !self.private => {
                let subset = if path.starts_with("sys") { "" } else { "pid" };
                let Ok(other) = Self::private(subset) else {
                    return Err(Errno::XDEV.into());
                };
                Ok(other.lookup(path, flags)?)
            }
            result => Ok(result?),
        }
    }

    /// Opens a file of this process (`oom_score_adj`, `attr/exec`).
    ///
    /// # Errors
    /// As [`Self::open_file`]; `ENOENT` when this proc is one of a pid
    /// namespace that does not know the caller.
    pub(crate) fn open_own(&self, path: impl AsRef<Path>, flags: OFlags) -> io::Result<OwnedFd> {
        match self.own_directory() {
            Ok(own) => self.open_file(own.join(path), flags),
            Err(Errno::XDEV) if !self.private => {
                let Ok(other) = Self::private("pid") else {
                    return Err(Errno::XDEV.into());
                };
                Ok(other.lookup(&other.own_directory()?.join(path), flags)?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// This process's directory: its id as this proc has it.
    fn own_directory(&self) -> Result<PathBuf, Errno> {
        let link = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // The link itself could be mounted over as well.
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_XDEV | ResolveFlags::NO_MAGICLINKS;
        let link = openat2(&self.root, "self", link, Mode::empty(), resolve)?;
        let target = readlinkat(&link, "", Vec::new())?;
        let target = target.into_string().map_err(|_| Errno::INVAL)?;
        Ok(target.into())
    }

    fn lookup(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        let resolve = ResolveFlags::BENEATH
            | ResolveFlags::NO_XDEV
            | ResolveFlags::NO_MAGICLINKS
            | ResolveFlags::NO_SYMLINKS;
        let flags = flags | OFlags::CLOEXEC;
        openat2(&self.root, path, flags, Mode::empty(), resolve)
    }
}

const DIRECTORY: OFlags = OFlags::PATH
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Writes `value` to a file below /proc in one call: `sys/kernel/msgmax`,
/// `123/uid_map`. The path has no symlink in it; for `self` there is [`own`].
///
/// # Errors
/// `open /proc/PATH: reason` or `write /proc/PATH: reason`.
pub(crate) fn write(path: &str, value: &str) -> Result<(), Failure> {
    let file = Procfs::open().and_then(|proc| proc.open_file(path, OFlags::WRONLY));
    let file = file.naming(|| format!("open /proc/{path}"))?;
    in_one_call(file, value).naming(|| format!("write /proc/{path}"))
}

/// Writes a kernel parameter: relative to /proc/sys, as [`write`].
///
/// Every proc has the parameters of the namespaces of who writes. The host's
/// knows a `net/ipv4` for each network namespace, and goes through all of them
/// for one that is new; the container's own knows no other. That one may be
/// missing, read-only or not what it seems: then it is the caller's as ever.
///
/// # Errors
/// As [`write`].
pub(crate) fn set_sysctl(
    root: Option<BorrowedFd<'_>>,
    path: &str,
    value: &str,
) -> Result<(), Failure> {
    let path = format!("sys/{path}");
    let own = |root| {
        let proc = Procfs::of_container(root)?;
        proc.open_file(&path, OFlags::WRONLY)
    };
    match root.map(own) {
        Some(Ok(file)) => in_one_call(file, value).naming(|| format!("write /proc/{path}")),
        _ => write(&path, value),
    }
}

/// As [`write`], for who has names of their own for what fails.
///
/// # Errors
/// As openat2 and write.
pub(crate) fn store(path: &str, value: &str) -> io::Result<()> {
    in_one_call(Procfs::open()?.open_file(path, OFlags::WRONLY)?, value)
}

/// Writes `value` to a file of this process in one call:
/// `oom_score_adj`, `attr/exec`.
///
/// # Errors
/// `open /proc/self/PATH: reason` or `write /proc/self/PATH: reason`.
pub(crate) fn own(path: &str, value: &str) -> Result<(), Failure> {
    let file = Procfs::open().and_then(|proc| proc.open_own(path, OFlags::WRONLY));
    let file = file.naming(|| format!("open /proc/self/{path}"))?;
    in_one_call(file, value).naming(|| format!("write /proc/self/{path}"))
}

/// The kernel takes the whole of such a value or nothing.
pub(crate) fn in_one_call(file: impl AsFd, value: &str) -> io::Result<()> {
    if rustix::io::write(&file, value.as_bytes())? == value.len() {
        Ok(())
    } else {
        Err(Errno::MSGSIZE.into())
    }
}

fn is_root_of_proc(directory: impl AsFd) -> io::Result<bool> {
    let genuine = fstatfs(&directory)?.f_type as i64 == PROC_MAGIC;
    Ok(genuine && fstat(&directory)?.st_ino == PROC_ROOT_INODE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Read;

    fn text(file: OwnedFd) -> String {
        let mut text = String::new();
        File::from(file).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn what_is_written_to_the_process_is_read_there() {
        let file = "/proc/self/oom_score_adj";
        let before = std::fs::read_to_string(file).unwrap();
        own("oom_score_adj", "1000").unwrap();
        assert_eq!(std::fs::read_to_string(file).unwrap(), "1000\n");
        let _ = own("oom_score_adj", before.trim());
    }

    #[test]
    fn a_file_of_the_whole_system_is_found_without_links() {
        let proc = Procfs::open().unwrap();
        let file = proc.open_file("sys/kernel/ostype", OFlags::RDONLY).unwrap();
        assert_eq!(text(file), "Linux\n");
    }

    #[test]
    fn links_ways_up_and_missing_files_are_errors() {
        let proc = Procfs::open().unwrap();
        let error = |path: &str| {
            let error = proc.open_file(path, OFlags::RDONLY).unwrap_err();
            Errno::from_io_error(&error).unwrap()
        };
        assert_eq!(error("self/comm"), Errno::LOOP);
        assert_eq!(error("../etc/passwd"), Errno::XDEV);
        assert_eq!(error("/etc/passwd"), Errno::XDEV);
        assert_eq!(error("sys/no/such"), Errno::NOENT);
        let own = proc.open_own("exe", OFlags::RDONLY).unwrap_err();
        assert_eq!(Errno::from_io_error(&own), Some(Errno::LOOP));
    }

    #[test]
    fn errors_name_the_file_as_it_is_known() {
        let failure = write("sys/net/ipv4/nosuch", "1").unwrap_err();
        let text = "open /proc/sys/net/ipv4/nosuch: no such file or directory";
        assert_eq!(failure.message, text);
        let failure = own("oom_score_adj", "bad").unwrap_err();
        let text = "write /proc/self/oom_score_adj: invalid argument";
        assert_eq!(failure.message, text);
    }

    #[test]
    fn parts_of_proc_and_other_filesystems_are_not_its_root() {
        let root = |path: &str| {
            let file = openat(CWD, path, DIRECTORY, Mode::empty()).unwrap();
            is_root_of_proc(&file).unwrap()
        };
        assert!(root("/proc"));
        assert!(!root("/proc/sys"));
        assert!(!root("/"));
    }

    #[test]
    fn a_containers_proc_is_one_that_no_link_leads_to() {
        let directory = tempfile::tempdir().unwrap();
        let of = |path: &Path| {
            let root = openat(CWD, path, DIRECTORY, Mode::empty()).unwrap();
            Procfs::of_container(root.as_fd()).map_err(|error| Errno::from_io_error(&error))
        };
        let proc = of(Path::new("/")).unwrap();
        let file = proc.open_file("sys/kernel/ostype", OFlags::RDONLY);
        assert_eq!(text(file.unwrap()), "Linux\n");
        assert_eq!(of(directory.path()).unwrap_err(), Some(Errno::NOENT));
        let place = directory.path().join("proc");
        std::os::unix::fs::symlink("/proc", &place).unwrap();
        assert_eq!(of(directory.path()).unwrap_err(), Some(Errno::NOTDIR));
        std::fs::remove_file(&place).unwrap();
        std::fs::create_dir(&place).unwrap();
        assert_eq!(of(directory.path()).unwrap_err(), Some(Errno::NODEV));
    }

    #[test]
    fn a_private_proc_has_the_same_files() {
        let proc = match Procfs::private("pid") {
            Ok(proc) => proc,
            // Not root: the callers then know no other than /proc.
            Err(error) => return assert_eq!(error.raw_os_error(), Some(libc::EPERM)),
        };
        let name = text(proc.open_own("comm", OFlags::RDONLY).unwrap());
        let expected = std::fs::read_to_string("/proc/self/comm").unwrap();
        assert_eq!(name, expected);
        assert!(proc.open_file("sys/kernel/ostype", OFlags::RDONLY).is_err());
    }
}
