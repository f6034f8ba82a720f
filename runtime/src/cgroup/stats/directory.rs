//! The files of one group's directory, read with as few system calls as they
//! need: the directory is looked up once, and one buffer serves all of them.

use super::StatsError;
use rustix::fs::{Mode, OFlags, open, openat};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// More than any of them has, usually.
const ROOM: usize = 8192;

/// Certainly the end of a file: no line of them is longer than the rest of a
/// page.
const SHORT: usize = 2048;

/// A group's directory in one hierarchy.
#[derive(Debug)]
pub(in super::super) struct Directory {
    path: PathBuf,
    fd: OwnedFd,
    buffer: Vec<u8>,
}

impl Directory {
    /// `None` when it does not exist.
    pub(super) fn open(path: PathBuf) -> Result<Option<Directory>, StatsError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        match open(&path, flags, Mode::empty()) {
            Ok(fd) => Ok(Some(Directory {
                path,
                fd,
                buffer: vec![0; ROOM],
            })),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(StatsError::Read {
                file: path,
                source: error.into(),
            }),
        }
    }

    /// What `parse` makes of a file; `None` when the kernel does not have it,
    /// has it turned off (pressure), or the group vanished.
    pub(super) fn read<T>(
        &mut self,
        file: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, StatsError> {
        let length = match self.fill(file) {
            Ok(length) => length,
            Err(Errno::NOENT | Errno::NODEV | Errno::OPNOTSUPP) => return Ok(None),
            Err(error) => {
                return Err(StatsError::Read {
                    file: self.path.join(file),
                    source: error.into(),
                });
            }
        };
        let content = String::from_utf8_lossy(&self.buffer[..length]);
        match parse(&content) {
            Some(value) => Ok(Some(value)),
            None => Err(StatsError::Content {
                file: self.path.join(file),
                content: content.into_owned(),
            }),
        }
    }

    /// A file that is one number.
    pub(super) fn number(&mut self, file: &str) -> Result<Option<u64>, StatsError> {
        self.read(file, |text| text.trim().parse().ok())
    }

    /// The file's length, after it was read into the buffer.
    fn fill(&mut self, file: &str) -> Result<usize, Errno> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let fd = openat(&self.fd, file, flags, Mode::empty())?;
        let mut length = 0;
        loop {
            if length == self.buffer.len() {
                self.buffer.resize(2 * length, 0);
            }
            let read =
                rustix::io::retry_on_intr(|| rustix::io::read(&fd, &mut self.buffer[length..]))?;
            length += read;
            // The kernel hands out long files in pieces of about a page: what
            // is much shorter was all, and needs no further call to know it.
            if read < SHORT {
                return Ok(length);
            }
        }
    }
}
