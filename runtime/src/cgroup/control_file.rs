//! Reading and writing the small files of a cgroup directory.

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;

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
    let mut text = String::new();
    File::open(file)?.read_to_string(&mut text)?;
    Ok(text)
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
