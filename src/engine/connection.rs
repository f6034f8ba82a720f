//! The client's end of a monitor's socket.

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::dirs::Dirs;
use super::failure::Failure;
use super::protocol::{Frame, Request};
use super::record::HealthStatus;

/// Name of the socket in a container's run directory.
pub const SOCKET: &str = "monitor.sock";

/// Connects to a running container's monitor and sends `request`. `Ok(None)`
/// when there is no monitor (any more).
pub fn request(dirs: &Dirs, id: &str, request: Request) -> Result<Option<UnixStream>, Failure> {
    let request = match rbox_timing::address() {
        Some(trace) if request != Request::Ping => Request::Traced {
            trace,
            request: Box::new(request),
        },
        _ => request,
    };
    match connect(&dirs.run(id)) {
        Ok(mut stream) => match Frame::Request(request).write(&mut stream) {
            Ok(()) => Ok(Some(stream)),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(None),
            Err(error) => Err(Failure::new(format!("ask the monitor of {id}: {error}"))),
        },
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(Failure::new(format!(
            "connect to the monitor of {id}: {error}"
        ))),
    }
}

/// How a request was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is done.
    Done,
    /// The names of what was mended.
    Mended(Vec<String>),
    /// How its health is; `None` where nothing looks after it.
    Health(Option<HealthStatus>),
    /// The container ended with this code.
    Exited(i32),
}

/// Sends a request and waits for its answer. `Ok(None)` when there is no monitor,
/// or it went away before it answered: the container has ended.
pub fn ask(dirs: &Dirs, id: &str, asked: Request) -> Result<Option<Answer>, Failure> {
    let Some(mut stream) = request(dirs, id, asked)? else {
        return Ok(None);
    };
    loop {
        let frame = Frame::read(&mut stream);
        rbox_timing::mark("heard from the monitor");
        match frame {
            Ok(Some(Frame::Done)) => return Ok(Some(Answer::Done)),
            Ok(Some(Frame::Mended(names))) => return Ok(Some(Answer::Mended(names))),
            Ok(Some(Frame::Health(status))) => return Ok(Some(Answer::Health(status))),
            Ok(Some(Frame::Exited(code))) => return Ok(Some(Answer::Exited(code))),
            Ok(Some(Frame::Failed(failure))) => return Err(failure),
            Ok(Some(_)) => {}
            Ok(None) => return Ok(None),
            Err(error) if is_end(&error) => return Ok(None),
            Err(error) => return Err(Failure::new(format!("hear the monitor of {id}: {error}"))),
        }
    }
}

/// The other side died, perhaps in the middle of a frame.
fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
    )
}

/// Opens the socket through a descriptor of its directory: socket paths are
/// limited to 107 bytes, run roots are not.
fn connect(run_dir: &Path) -> io::Result<UnixStream> {
    let dir = std::fs::File::open(run_dir)?;
    UnixStream::connect(format!("/proc/self/fd/{}/{SOCKET}", dir.as_raw_fd()))
}
