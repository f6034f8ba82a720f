//! Owner, extended attributes, mode and times of a file.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid, XattrFlags, chmodat,
    chownat, getxattr, listxattr, openat, setxattr, utimensat,
};
use rustix::io::Errno;

/// The greatest value, and list of names, that the kernel has (`XATTR_SIZE_MAX`).
const LARGEST: usize = 1 << 16;
/// The policy labels what is made, as it labels any tmpfs.
const OF_POLICY: &CStr = c"security.selinux";

/// All that a file has beside its content.
pub(super) struct Metadata {
    stat: Stat,
    attributes: Vec<(CString, Vec<u8>)>,
}

impl Metadata {
    /// Reads it of what `item` is open at, by O_PATH.
    pub(super) fn of(item: BorrowedFd<'_>, stat: Stat) -> Result<Self, Errno> {
        let path = by_number(item);
        let mut names = vec![0; LARGEST];
        let length = match listxattr(path.as_c_str(), &mut names[..]) {
            Ok(length) => length,
            Err(Errno::NOTSUP) => 0,
            Err(error) => return Err(error),
        };
        names.truncate(length);
        let mut attributes = Vec::new();
        for name in names
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty())
        {
            let name = CString::new(name).map_err(|_| Errno::INVAL)?;
            if name.as_c_str() == OF_POLICY {
                continue;
            }
            let mut value = vec![0; LARGEST];
            let length = getxattr(path.as_c_str(), name.as_c_str(), &mut value[..])?;
            value.truncate(length);
            attributes.push((name, value));
        }
        Ok(Self { stat, attributes })
    }

    /// Gives it to `name` in `directory`. In this order: a change of owner takes
    /// away capabilities and the set-user-id bit.
    pub(super) fn give(&self, directory: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
        let (uid, gid) = (
            Uid::from_raw(self.stat.st_uid),
            Gid::from_raw(self.stat.st_gid),
        );
        let itself = AtFlags::SYMLINK_NOFOLLOW;
        chownat(directory, name, Some(uid), Some(gid), itself)?;
        if !self.attributes.is_empty() {
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = openat(directory, name, flags, Mode::empty())?;
            let path = by_number(file.as_fd());
            for (key, value) in &self.attributes {
                setxattr(path.as_c_str(), key.as_c_str(), value, XattrFlags::empty())?;
            }
        }
        if FileType::from_raw_mode(self.stat.st_mode) != FileType::Symlink {
            let mode = Mode::from_raw_mode(self.stat.st_mode & 0o7777);
            chmodat(directory, name, mode, AtFlags::empty())?;
        }
        let time = |seconds, nanoseconds: u64| Timespec {
            tv_sec: seconds,
            tv_nsec: i64::try_from(nanoseconds).unwrap_or(0),
        };
        let times = Timestamps {
            last_access: time(self.stat.st_atime, self.stat.st_atime_nsec),
            last_modification: time(self.stat.st_mtime, self.stat.st_mtime_nsec),
        };
        utimensat(directory, name, &times, itself)
    }
}

/// A path that leads to the file itself, be it a symlink.
fn by_number(file: BorrowedFd<'_>) -> CString {
    let path = format!("/proc/thread-self/fd/{}", file.as_raw_fd());
    CString::new(path).unwrap_or_default()
}
