//! Mounts that show other owners than their files have on disk
//! (mount_setattr(2), `MOUNT_ATTR_IDMAP`, Linux 5.12).
//!
//! The kernel takes such a mapping from a user namespace only, so one is made
//! that nobody lives in: it goes when its last descriptor is closed.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use oci_spec::runtime::LinuxIdMapping;
use rustix::fs::{fstat, fstatfs, major, minor};
use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};
use thiserror::Error;

use crate::process::{procfs, reason, sys};

/// Why the owners of a mount could not be mapped.
#[derive(Debug, Error)]
pub enum IdMapError {
    /// A mapping without ranges maps nothing, and the kernel takes none such.
    #[error("an id mapping needs ranges of both user ids and group ids")]
    Empty,
    /// The user namespace that carries the mapping could not be made.
    #[error("{what}: {}", reason(.source))]
    Namespace {
        /// The step.
        what: &'static str,
        /// Its error.
        source: io::Error,
    },
    /// The file of a user namespace that exists.
    #[error("open user namespace {path}: {}", reason(.source))]
    Open {
        /// The file.
        path: PathBuf,
        /// The error of open.
        source: io::Error,
    },
    /// The kernel refuses the ranges: they overlap, or are more than it takes.
    #[error("mapping of {ids} ids {ranges}: {}", reason(.source))]
    Ranges {
        /// `user` or `group`.
        ids: &'static str,
        /// The ranges as `inside:outside:size`.
        ranges: String,
        /// The error of the write.
        source: io::Error,
    },
    /// Kernel and filesystem cannot do it together.
    #[error("filesystem {filesystem} cannot be mounted with mapped ids on this kernel")]
    Filesystem {
        /// The filesystem's type, or its magic number where no mount table names it.
        filesystem: String,
    },
    /// The mount may not be mapped: it is mapped already, or belongs to others.
    #[error("mapping the ids of a mount: {}", reason(.source))]
    Mount {
        /// The error of mount_setattr.
        source: io::Error,
    },
}

/// A user namespace with this mapping and nobody in it. `container_id` is what
/// files have on disk, `host_id` what they are seen as in the namespace of the
/// caller.
///
/// The caller must be single-threaded (a child is cloned for a moment) and
/// privileged over all of the ids.
///
/// # Errors
/// [`IdMapError`]; no process is left behind.
pub fn user_namespace(
    uids: &[LinuxIdMapping],
    gids: &[LinuxIdMapping],
) -> Result<OwnedFd, IdMapError> {
    if uids.is_empty() || gids.is_empty() {
        return Err(IdMapError::Empty);
    }
    let parent = getpid();
    let child = sys::spawn(libc::CLONE_NEWUSER as u64, None, || {
        // A parent that was killed before this line is not the parent any more.
        if set_parent_process_death_signal(Some(Signal::KILL)).is_ok() && getppid() == Some(parent)
        {
            loop {
                rustix::event::pause();
            }
        }
        sys::exit(1)
    })
    .map_err(|source| IdMapError::Namespace {
        what: "clone3 with a user namespace",
        source,
    })?;
    let made = carry(child.pid, uids, gids);
    // It is ours and not waited for: neither call can meet anybody else.
    child.kill_and_reap();
    made
}

/// Gives the namespace of process `pid` its mapping, and opens it.
fn carry(
    pid: i32,
    uids: &[LinuxIdMapping],
    gids: &[LinuxIdMapping],
) -> Result<OwnedFd, IdMapError> {
    for (file, ids, ranges) in [("uid_map", "user", uids), ("gid_map", "group", gids)] {
        // One write: the kernel takes the whole mapping or nothing.
        procfs::store(&format!("{pid}/{file}"), &map_text(ranges)).map_err(|source| {
            IdMapError::Ranges {
                ids,
                ranges: shown(ranges),
                source,
            }
        })?;
    }
    File::open(format!("/proc/{pid}/ns/user"))
        .map(OwnedFd::from)
        .map_err(|source| IdMapError::Namespace {
            what: "open the user namespace",
            source,
        })
}

/// The user namespace behind a file, whose mapping somebody else made.
pub(crate) fn open_namespace(path: &Path) -> Result<OwnedFd, IdMapError> {
    File::open(path)
        .map(OwnedFd::from)
        .map_err(|source| IdMapError::Open {
            path: path.into(),
            source,
        })
}

/// The lines of a uid_map or gid_map file, as user_namespaces(7) has them.
pub(crate) fn map_text(ranges: &[LinuxIdMapping]) -> String {
    ranges
        .iter()
        .map(|range| {
            let (inside, outside) = (range.container_id(), range.host_id());
            format!("{inside} {outside} {}\n", range.size())
        })
        .collect()
}

fn shown(ranges: &[LinuxIdMapping]) -> String {
    let one = |range: &LinuxIdMapping| {
        let (inside, outside) = (range.container_id(), range.host_id());
        format!("{inside}:{outside}:{}", range.size())
    };
    ranges.iter().map(one).collect::<Vec<_>>().join(",")
}

/// Maps the owners of a detached mount, or of the whole tree below it, by the
/// mapping of `userns`. A mount can be mapped once, before it is attached.
///
/// # Errors
/// [`IdMapError::Filesystem`] or [`IdMapError::Mount`].
pub fn apply(
    tree: BorrowedFd<'_>,
    userns: BorrowedFd<'_>,
    recursive: bool,
) -> Result<(), IdMapError> {
    let attributes = sys::MountAttributes {
        set: libc::MOUNT_ATTR_IDMAP,
        userns: userns.as_raw_fd() as u64,
        ..sys::MountAttributes::default()
    };
    sys::set_mount_attributes(tree, attributes, recursive).map_err(|source| {
        match source.raw_os_error() {
            Some(libc::EINVAL | libc::ENOSYS | libc::EOPNOTSUPP) => IdMapError::Filesystem {
                filesystem: filesystem(tree),
            },
            _ => IdMapError::Mount { source },
        }
    })
}

/// The type of the filesystem that `file` is on.
fn filesystem(file: BorrowedFd<'_>) -> String {
    let table = fs::read_to_string("/proc/thread-self/mountinfo").unwrap_or_default();
    let named = fstat(file)
        .ok()
        .and_then(|stat| type_of(&table, major(stat.st_dev), minor(stat.st_dev)));
    match (named, fstatfs(file)) {
        (Some(name), _) => name.to_owned(),
        (None, Ok(stat)) => format!("with magic {:#x}", stat.f_type),
        (None, Err(_)) => "of an unknown type".to_owned(),
    }
}

/// The filesystem type of a device in a mount table (proc_pid_mountinfo(5)).
fn type_of(table: &str, major: u32, minor: u32) -> Option<&str> {
    let device = format!("{major}:{minor}");
    let line = table
        .lines()
        .find(|line| line.split(' ').nth(2) == Some(&device))?;
    line.split_once(" - ")?.1.split(' ').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::defaults::id_mapping as range;

    #[test]
    fn a_map_has_a_line_for_each_range() {
        let ranges = [range(0, 100_000, 1000), range(1000, 5000, 1)];
        assert_eq!(map_text(&ranges), "0 100000 1000\n1000 5000 1\n");
        assert_eq!(shown(&ranges), "0:100000:1000,1000:5000:1");
    }

    #[test]
    fn a_filesystem_is_named_by_the_mount_table() {
        let table = "36 35 98:0 /a\\040- /mnt1 rw,noatime master:1 shared:2 - ext3 /dev/root rw\n\
                     22 28 0:21 / /sys rw,relatime - sysfs sysfs rw\n";
        assert_eq!(type_of(table, 98, 0), Some("ext3"));
        assert_eq!(type_of(table, 0, 21), Some("sysfs"));
        assert_eq!(type_of(table, 0, 2), None);
        assert_eq!(type_of("nonsense", 0, 2), None);
    }

    #[test]
    fn a_mapping_without_ranges_is_refused_before_anything_is_cloned() {
        let ids = [range(0, 1, 1)];
        for (uids, gids) in [(&ids[..], &[][..]), (&[], &ids)] {
            let error = user_namespace(uids, gids).unwrap_err();
            assert!(matches!(error, IdMapError::Empty), "{error}");
        }
    }
}
