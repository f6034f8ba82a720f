//! How a monitor learns whose it is: the id of a container, with its lock and the monitor's log.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

/// Digits of an id.
const ID: usize = 64;

/// Waits for the id; `None` if the client goes away without one. The lock is our stdout then and
/// the log our stderr.
pub fn wait(client: &UnixStream) -> io::Result<Option<String>> {
    let mut id = [0u8; ID];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::WAITALL;
    let read = loop {
        let mut buffers = [IoSliceMut::new(&mut id)];
        match recvmsg(client, &mut buffers, &mut control, flags) {
            Ok(message) => break message.bytes,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    };
    if read == 0 {
        return Ok(None);
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
    match (read, std::str::from_utf8(&id)) {
        (ID, Ok(id)) => Ok(Some(id.to_owned())),
        _ => Err(io::Error::other("the id did not come whole")),
    }
}
