//! Waiting for a process as its parent: signals go on to it, its terminal is
//! relayed, its exit code comes back. One thread, one poll.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rbox_runtime::process::incoming::Incoming;
use rbox_runtime::process::signal;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Signal, WaitOptions, getpid, set_child_subreaper, wait};

use super::relay::Relay;
use crate::engine::failure::{Context, Failure};

/// What a process's exit code is above its signal's number.
const SIGNALLED: i32 = 128;

/// This process, ready to be a parent.
#[derive(Debug)]
pub struct Foreground {
    incoming: Incoming,
}

impl Foreground {
    /// To be called before the process is made: its end must not be missed, and
    /// no signal may end us and leave it behind.
    pub fn prepare(subreaper: bool) -> Result<Foreground, Failure> {
        if subreaper {
            set_child_subreaper(Some(getpid())).context(|| "become a subreaper".into())?;
        }
        let incoming = Incoming::all().context(|| "take signals by descriptor".into())?;
        Ok(Foreground { incoming })
    }

    /// Waits until the child ends; its exit code, 128 and the signal where one
    /// ended it. `console` is the master side of its terminal.
    pub fn wait(
        &self,
        pid: i32,
        pidfd: Option<BorrowedFd<'_>>,
        console: Option<OwnedFd>,
    ) -> Result<u8, Failure> {
        let mut relay = console.map(Relay::new).transpose()?;
        loop {
            let ready = self.poll(relay.as_ref())?;
            if let Some(relay) = &mut relay {
                relay.pump(&ready.console, &ready.input);
            }
            if !ready.signal {
                continue;
            }
            while let Some(number) = self.incoming.next().context(|| "read a signal".into())? {
                if number == Signal::CHILD.as_raw() {
                    if let Some(code) = reap(pid)? {
                        if let Some(relay) = &mut relay {
                            relay.drain();
                        }
                        return Ok(code);
                    }
                } else if number == Signal::WINCH.as_raw()
                    && let Some(relay) = &relay
                {
                    relay.resize();
                } else if number != Signal::PIPE.as_raw()
                    && let Some(pidfd) = pidfd
                {
                    // It may have ended: then that is what comes next.
                    let _ = signal::send(pidfd, number);
                }
            }
        }
    }

    fn poll(&self, relay: Option<&Relay>) -> Result<Ready, Failure> {
        let stdin = std::io::stdin();
        let mut fds = Vec::with_capacity(3);
        fds.push(PollFd::new(&self.incoming, PollFlags::IN));
        if let Some(relay) = relay {
            fds.push(PollFd::from_borrowed_fd(
                relay.master(),
                relay.console_events(),
            ));
            if relay.wants_input() {
                fds.push(PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN));
            }
        }
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).context(|| "poll".into()),
        }
        let events = |index: usize| fds.get(index).map_or(PollFlags::empty(), PollFd::revents);
        Ok(Ready {
            signal: !events(0).is_empty(),
            console: events(1),
            input: events(2),
        })
    }
}

/// What poll found.
struct Ready {
    signal: bool,
    console: PollFlags,
    input: PollFlags,
}

/// Takes all ended children out of the process table; the exit code of the one.
fn reap(pid: i32) -> Result<Option<u8>, Failure> {
    let mut code = None;
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((child, status))) if child.as_raw_nonzero().get() == pid => {
                let signalled = || status.terminating_signal().map(|number| SIGNALLED + number);
                let number = status.exit_status().or_else(signalled).unwrap_or(1);
                code = Some(u8::try_from(number).unwrap_or(u8::MAX));
            }
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) | Err(Errno::CHILD) => return Ok(code),
            Err(error) => return Err(error).context(|| format!("wait for process {pid}")),
        }
    }
}
