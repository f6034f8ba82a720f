//! The client's own terminal: size and raw mode.

use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode, Stdio};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// argv[0] of the process that gives a terminal back when its owner was killed.
pub const GUARD: &str = "rbox-terminal-guard";

/// Rows and columns of the terminal on stdout (or stdin), if there is one.
pub fn size() -> Option<(u16, u16)> {
    let size = tcgetwinsize(io::stdout())
        .or_else(|_| tcgetwinsize(io::stdin()))
        .ok()?;
    Some((size.ws_row, size.ws_col))
}

/// The terminal in raw mode until dropped. A guard process restores it even
/// when this one is killed: it waits on a socket that only our end closes.
#[derive(Debug)]
pub struct RawMode {
    before: Termios,
    guard: Option<(Child, UnixStream)>,
}

impl RawMode {
    /// `None` where stdin is no terminal.
    pub fn enter() -> io::Result<Option<RawMode>> {
        RawMode::change(Termios::make_raw)
    }

    /// Only without echo, as passwords are typed; lines are edited as before.
    pub fn without_echo() -> io::Result<Option<RawMode>> {
        RawMode::change(|settings| settings.local_modes.remove(LocalModes::ECHO))
    }

    fn change(change: impl FnOnce(&mut Termios)) -> io::Result<Option<RawMode>> {
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            return Ok(None);
        }
        let before = tcgetattr(&stdin)?;
        let guard = spawn_guard(&stdin).ok();
        let mut changed = before.clone();
        change(&mut changed);
        tcsetattr(&stdin, OptionalActions::Now, &changed)?;
        Ok(Some(RawMode { before, guard }))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
        if let Some((mut child, socket)) = self.guard.take() {
            // It restores once more, which changes nothing.
            drop(socket);
            let _ = child.wait();
        }
    }
}

/// The guard has the terminal as its stdout and our socket as its stdin, and its
/// own process group, so that what kills ours by group does not kill it.
fn spawn_guard(terminal: &impl AsFd) -> io::Result<(Child, UnixStream)> {
    let binary = std::fs::File::open("/proc/self/exe")?;
    let (mut ours, theirs) = UnixStream::pair()?;
    let child = Command::new(format!("/proc/self/fd/{}", binary.as_raw_fd()))
        .arg0(GUARD)
        .process_group(0)
        .stdin(OwnedFd::from(theirs))
        .stdout(terminal.as_fd().try_clone_to_owned()?)
        .stderr(Stdio::null())
        .spawn()?;
    // It answers once it has read the settings: raw mode may begin.
    ours.read_exact(&mut [0u8; 1])?;
    Ok((child, ours))
}

/// The guard process itself.
pub fn guard() -> ExitCode {
    let watch = || -> io::Result<()> {
        // Setting a terminal from a background process group is stopped otherwise.
        rbox_runtime::process::signal::ignore(22)?;
        let terminal = io::stdout();
        let before = tcgetattr(&terminal)?;
        let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        socket.write_all(&[1])?;
        let _ = socket.read(&mut [0u8; 1]);
        tcsetattr(&terminal, OptionalActions::Now, &before)?;
        Ok(())
    };
    match watch() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
