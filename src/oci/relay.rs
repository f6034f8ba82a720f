//! Between this process's standard streams and a container's terminal.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::PollFlags;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::engine::failure::{Context, Failure};
use crate::engine::terminal::{self, RawMode};

/// How much is moved at once.
const CHUNK: usize = 16 * 1024;

/// The relay; our own terminal is raw as long as it lives.
#[derive(Debug)]
pub struct Relay {
    master: File,
    /// Keys that the terminal's buffer had no room for yet.
    pending: Vec<u8>,
    /// Standard input has not ended.
    input: bool,
    /// The terminal has not ended.
    output: bool,
    _raw: Option<RawMode>,
}

impl Relay {
    /// Relays the terminal of that master side.
    pub fn new(master: OwnedFd) -> Result<Relay, Failure> {
        // A program that does not read its keys must not keep us from showing its output.
        fcntl_getfl(&master)
            .and_then(|flags| fcntl_setfl(&master, flags | OFlags::NONBLOCK))
            .context(|| "make the terminal non-blocking".into())?;
        Ok(Relay {
            master: master.into(),
            pending: Vec::new(),
            input: true,
            output: true,
            _raw: RawMode::enter().context(|| "set the terminal to raw mode".into())?,
        })
    }

    /// The master side.
    pub fn master(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }

    /// What to wait for on the master side.
    pub fn console_events(&self) -> PollFlags {
        let mut events = PollFlags::empty();
        events.set(PollFlags::IN, self.output);
        events.set(PollFlags::OUT, !self.pending.is_empty());
        events
    }

    /// Whether standard input is to be read.
    pub fn wants_input(&self) -> bool {
        self.input && self.pending.is_empty()
    }

    /// Moves what poll found ready.
    pub fn pump(&mut self, console: &PollFlags, input: &PollFlags) {
        if console.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            self.show();
        }
        if console.contains(PollFlags::OUT) {
            self.type_pending();
        }
        if !input.is_empty() {
            self.read_keys();
        }
    }

    /// Shows what is left when the process has ended.
    pub fn drain(&mut self) {
        while self.output && self.show() {}
    }

    /// Gives the terminal our own one's size.
    pub fn resize(&self) {
        if let Some((rows, columns)) = terminal::size() {
            let size = Winsize {
                ws_row: rows,
                ws_col: columns,
                ws_xpixel: 0,
                ws_ypixel: 0,
            };
            // It has ended: there is nobody to look at the size.
            let _ = tcsetwinsize(&self.master, size);
        }
    }

    /// Whether there was anything to show.
    fn show(&mut self) -> bool {
        let mut buffer = [0u8; CHUNK];
        match self.master.read(&mut buffer) {
            Ok(0) => self.output = false,
            Ok(count) => {
                let mut out = io::stdout().lock();
                // Nobody may be looking any more; the process goes on all the same.
                let _ = out.write_all(&buffer[..count]).and_then(|()| out.flush());
                return true;
            }
            Err(error) if is_later(&error) => {}
            // EIO: no process has the terminal open.
            Err(_) => self.output = false,
        }
        false
    }

    fn read_keys(&mut self) {
        let mut buffer = [0u8; CHUNK];
        match rustix::io::read(io::stdin(), &mut buffer) {
            Ok(count) if count > 0 => {
                self.pending.extend_from_slice(&buffer[..count]);
                self.type_pending();
            }
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            _ => self.input = false,
        }
    }

    fn type_pending(&mut self) {
        match self.master.write(&self.pending) {
            Ok(count) => drop(self.pending.drain(..count)),
            Err(error) if is_later(&error) => {}
            Err(_) => self.pending.clear(),
        }
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
