//! The client's end of a monitor's socket.

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::dirs::Dirs;
use super::failure::{Context, Failure};
use super::protocol::{Frame, Request};

/// Name of the socket in a container's run directory.
pub const SOCKET: &str = "monitor.sock";

/// Connects to a running container's monitor and sends `request`. `Ok(None)`
/// when there is no monitor (any more).
pub fn request(dirs: &Dirs, id: &str, request: Request) -> Result<Option<UnixStream>, Failure> {
    match connect(&dirs.run(id)) {
        Ok(mut stream) => {
            match Frame::Request(request).write(&mut stream) {
                Ok(()) => Ok(Some(stream)),
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(None),
                Err(error) => Err(Failure::new(format!("ask the monitor of {id}: {error}"))),
            }
        }
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(Failure::new(format!("connect to the monitor of {id}: {error}"))),
    }
}

/// Waits for the answer to a request that ends with `Done`, an exit code or a failure.
pub fn answer(mut stream: UnixStream, id: &str) -> Result<Option<i32>, Failure> {
    loop {
        let frame = Frame::read(&mut stream).context(|| format!("hear the monitor of {id}"))?;
        match frame {
            Some(Frame::Done) => return Ok(None),
            Some(Frame::Exited(code)) => return Ok(Some(code)),
            Some(Frame::Failed(failure)) => return Err(failure),
            Some(_) => {}
            None => {
                return Err(Failure::new(format!("the monitor of container {id} went away")));
            }
        }
    }
}

/// Opens the socket through a descriptor of its directory: socket paths are
/// limited to 107 bytes, run roots are not.
fn connect(run_dir: &Path) -> io::Result<UnixStream> {
    let dir = std::fs::File::open(run_dir)?;
    UnixStream::connect(format!("/proc/self/fd/{}/{SOCKET}", dir.as_raw_fd()))
}
