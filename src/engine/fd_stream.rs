//! Our ends of a container's streams: pipes and terminals, without blocking.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// One pipe end or a terminal's master.
#[derive(Debug)]
pub struct FdStream(AsyncFd<OwnedFd>);

/// Most bytes one read takes.
const READ: usize = 16 * 1024;

impl FdStream {
    /// Makes the descriptor non-blocking (only our end is) and watches it.
    pub fn new(fd: OwnedFd) -> io::Result<FdStream> {
        let flags = fcntl_getfl(&fd)?;
        fcntl_setfl(&fd, flags | OFlags::NONBLOCK)?;
        watch(fd, Interest::READABLE.add(Interest::WRITABLE)).map(FdStream)
    }

    /// What there is to read; empty at the end. A terminal whose other side is
    /// closed everywhere reads as EIO: that is its end.
    pub async fn read(&self) -> io::Result<Vec<u8>> {
        loop {
            let mut ready = self.0.readable().await?;
            let result = ready.try_io(|fd| {
                // On the stack, so that an idle stream holds no buffer.
                let mut buffer = [0u8; READ];
                let count = rustix::io::read(fd, &mut buffer)?;
                Ok(buffer[..count].to_vec())
            });
            match result {
                Ok(Err(error)) if error.raw_os_error() == Some(5) => return Ok(Vec::new()),
                Ok(result) => return result,
                Err(_would_block) => {}
            }
        }
    }

    /// Writes all of it.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let mut ready = self.0.writable().await?;
            match ready.try_io(|fd| rustix::io::write(fd, bytes).map_err(io::Error::from)) {
                Ok(Ok(count)) => bytes = &bytes[count..],
                Ok(Err(error)) => return Err(error),
                Err(_would_block) => {}
            }
        }
        Ok(())
    }

    /// Tells the terminal its new size.
    pub fn resize(&self, rows: u16, columns: u16) {
        let size = rustix::termios::Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let _ = rustix::termios::tcsetwinsize(self.0.get_ref(), size);
    }
}

/// Watches a descriptor on the event loop.
pub fn watch(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // What the newer, unsafe function asks of its caller holds for every
    // OwnedFd: nobody closes or replaces it while it is watched.
    #[allow(
        deprecated,
        reason = "the replacement is unsafe and does the same for an OwnedFd"
    )]
    AsyncFd::with_interest(fd, interest)
}
