//! How a monitor gets its container's lock, and its own log.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;

use crate::engine::spawn::EMPLOYED;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

/// Waits for them; false if the client goes away first. The lock is our stdout then and the log our
/// stderr.
pub fn wait(client: &UnixStream) -> io::Result<bool> {
    let mut word = [0u8; EMPLOYED.len()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let read = loop {
        let mut buffers = [IoSliceMut::new(&mut word)];
        match recvmsg(client, &mut buffers, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Ok(message) => break message.bytes,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    };
    if read == 0 {
        return Ok(false);
    }
    let mut files = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            files.extend(received);
        }
    }
    let [lock, log] = &files[..] else {
        return Err(io::Error::other("the lock and the log did not come"));
    };
    rustix::stdio::dup2_stdout(lock)?;
    rustix::stdio::dup2_stderr(log)?;
    Ok(true)
}
