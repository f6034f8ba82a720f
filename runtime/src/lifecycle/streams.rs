//! Which standard streams a process gets.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use oci_spec::runtime::Process;
use rustix::io::fcntl_dupfd_cloexec;

use crate::container::Stdio;
use crate::process::sys;

/// Standard streams of a process without a terminal of its own.
#[derive(Debug, Default)]
pub enum Streams {
    /// The caller's own.
    #[default]
    Inherit,
    /// These: standard input, output, error.
    Given([OwnedFd; 3]),
}

impl Streams {
    /// What the process's description and the caller say together. `size` (rows,
    /// columns) comes before `process.consoleSize`.
    pub(super) fn of(self, process: &Process, size: Option<(u16, u16)>) -> io::Result<Stdio> {
        if process.terminal() == Some(true) {
            let number = |value: u64| u16::try_from(value).unwrap_or(u16::MAX);
            let described = process
                .console_size()
                .map(|size| (number(size.height()), number(size.width())));
            let (rows, cols) = size.or(described).unwrap_or_default();
            return Ok(Stdio::Terminal { rows, cols });
        }
        let [stdin, stdout, stderr] = match self {
            Self::Given(streams) => streams,
            Self::Inherit => [
                copy(std::io::stdin().as_fd())?,
                copy(std::io::stdout().as_fd())?,
                copy(std::io::stderr().as_fd())?,
            ],
        };
        Ok(Stdio::Fds {
            stdin,
            stdout,
            stderr,
        })
    }
}

fn copy(stream: impl AsFd) -> io::Result<OwnedFd> {
    Ok(fcntl_dupfd_cloexec(stream, 3)?)
}

/// The first descriptor of `3..3 + count` that is not open, if any is not.
pub(super) fn missing(count: u32) -> Option<u32> {
    (3..3u32.saturating_add(count))
        .find(|&number| i32::try_from(number).map_or(true, |number| !sys::is_inherited(number)))
}
