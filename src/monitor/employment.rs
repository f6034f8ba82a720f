//! What a monitor is told before its container is there, and how it gets the container's lock and its
//! own log.

use std::io::{self, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::configuration::Prepared;
use crate::engine::protocol::{Frame, Request};
use crate::engine::spawn::{EMPLOYED, EMPLOYED_WITH};

/// What a monitor has by the time that it gets its container.
pub struct Employed {
    /// The cgroup, if that was begun.
    pub prepared: Option<Prepared>,
    /// The mount that we were executed through. Its closing waits for the kernel, and so it stays
    /// open until nobody waits for us.
    pub binary: OwnedFd,
}

/// Waits until there is a container; `None` if the client goes away first. The lock is our stdout then
/// and the log our stderr.
pub fn wait(client: &UnixStream) -> io::Result<Option<Employed>> {
    let mut prepared = None;
    loop {
        match word(client)? {
            Word::Gone => return Ok(None),
            Word::Employed(binary) => return Ok(Some(Employed { prepared, binary })),
            Word::Begins(first) => {
                let frame = Frame::read(&mut (&[first][..]).chain(client))?;
                if let Some(Frame::Request(Request::Prepare(plan))) = frame {
                    prepared = Prepared::begin(*plan);
                }
            }
        }
    }
}

/// What comes next.
enum Word {
    /// Nothing any more.
    Gone,
    /// The lock and the log, which are in place, and our own binary.
    Employed(OwnedFd),
    /// The first byte of a frame.
    Begins(u8),
}

fn word(client: &UnixStream) -> io::Result<Word> {
    let mut word = [0u8; EMPLOYED.len()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(EMPLOYED_WITH))];
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
        return Ok(Word::Gone);
    }
    if word != EMPLOYED {
        return Ok(Word::Begins(word[0]));
    }
    let mut files = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            files.extend(received);
        }
    }
    let Ok::<[OwnedFd; EMPLOYED_WITH], _>([lock, log, binary]) = files.try_into() else {
        return Err(io::Error::other("the lock and the log did not come"));
    };
    rustix::stdio::dup2_stdout(lock)?;
    rustix::stdio::dup2_stderr(log)?;
    Ok(Word::Employed(binary))
}
