//! Reading and writing the small files of a cgroup directory.

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// More than most files have.
const ROOM: usize = 4096;

/// Opens a control file for writing; never makes one.
pub(super) fn open_for_writing(file: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    Ok(open(file, flags, Mode::empty())?)
}

/// One write, as the kernel takes a setting whole.
pub(super) fn write_to(file: &OwnedFd, value: &str) -> io::Result<()> {
    let written = rustix::io::retry_on_intr(|| rustix::io::write(file, value.as_bytes()))?;
    if written == value.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::WriteZero.into())
    }
}

/// Writes `value` to an existing control file.
pub(super) fn write(file: &Path, value: &str) -> io::Result<()> {
    write_to(&open_for_writing(file)?, value)
}

/// The whole content.
pub(super) fn read(file: &Path) -> io::Result<String> {
    // Neither its size nor a position in it means anything, as the standard
    // library would ask for both.
    let fd = open(file, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut bytes = vec![0; ROOM];
    let mut length = 0;
    loop {
        let read = rustix::io::retry_on_intr(|| rustix::io::read(&fd, &mut bytes[length..]))?;
        length += read;
        if read == 0 {
            bytes.truncate(length);
            return String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData.into());
        }
        if length == bytes.len() {
            bytes.resize(2 * length, 0);
        }
    }
}

/// The number behind `key` in a file of `key value` lines.
pub(super) fn number_of(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        line.strip_prefix(key)?
            .strip_prefix(' ')?
            .trim()
            .parse()
            .ok()
    })
}

/// Whether the group itself, or one above it, has vanished.
pub(super) fn vanished(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| {
        code == Errno::NOENT.raw_os_error() || code == Errno::NODEV.raw_os_error()
    })
}
