//! Which process a container's first one is, beyond its number.

use std::io;
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// When a process started, in ticks since the machine did
/// (proc_pid_stat(5), field 22). `None` when there is none.
pub(super) fn start_time(pid: i32) -> Option<u64> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse_start_time(&stat)
}

/// The program's name, in parentheses, may hold anything.
fn parse_start_time(stat: &[u8]) -> Option<u64> {
    let end = stat.iter().rposition(|&byte| byte == b')')?;
    let rest = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
    // The first field after the name is the third.
    rest.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// A descriptor of the process with that number and start time, if it is there.
pub(super) fn open(pid: i32, started: u64) -> Option<OwnedFd> {
    let pidfd = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
    // Asked after the descriptor was opened: the number cannot have changed
    // hands since.
    (start_time(pid) == Some(started)).then_some(pidfd)
}

/// Whether the process has ended, reaped or not.
pub(super) fn has_ended(pidfd: &OwnedFd) -> bool {
    matches!(wait(pidfd, Some(0)), Ok(true))
}

/// Waits for the end of a process that need not be a child; false after
/// `seconds` without it.
pub(super) fn wait(pidfd: &OwnedFd, seconds: Option<i64>) -> io::Result<bool> {
    let timeout = seconds.map(|tv_sec| Timespec { tv_sec, tv_nsec: 0 });
    loop {
        match poll(&mut [PollFd::new(pidfd, PollFlags::IN)], timeout.as_ref()) {
            Ok(ready) => return Ok(ready > 0),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_time_is_found_behind_any_name() {
        let fields: Vec<String> = (4..=30).map(|field| (field * 10).to_string()).collect();
        let line = format!("7 (a) R (b) S {}", fields.join(" "));
        assert_eq!(parse_start_time(line.as_bytes()), Some(220));
        assert_eq!(parse_start_time(b"7 (a"), None);
        assert_eq!(parse_start_time(b"7 (a) S 1"), None);
    }

    #[test]
    fn a_process_is_known_by_number_and_start_time() {
        let own = i32::try_from(std::process::id()).unwrap();
        let started = start_time(own).unwrap();
        let pidfd = open(own, started).unwrap();
        assert!(!has_ended(&pidfd));
        assert!(open(own, started + 1).is_none());
        assert!(open(0, 0).is_none());
    }
}
