//! What parent and child tell each other while a container is made.
//!
//! One message is one packet of a SOCK_SEQPACKET pair. The child's end closes
//! on exec, so that the parent reads end-of-file when the program runs.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

use super::failure::{Failure, FailureKind};

/// A packet is never longer; error texts are cut.
const LIMIT: usize = 8192;

/// What the child says.
#[derive(Debug)]
pub(crate) enum FromChild {
    /// The master side of the terminal that it opened.
    Console(OwnedFd),
    /// Another process made the container's first one, a child of the parent:
    /// its id there and a descriptor of it.
    Born(i32, OwnedFd),
    /// The container's namespaces and mounts are there, its root is not yet
    /// entered; it waits.
    Mounted,
    /// The descriptor of a filter that asks somebody.
    Listener(OwnedFd),
    /// Everything but exec is done.
    Ready,
    /// It gave up, and exits.
    Failed(Failure),
    /// The socket is closed: exec succeeded, or the child died.
    Closed,
}

/// Makes the two ends, both closed on exec: the parent's and the child's.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

/// Child to parent: the terminal.
pub(crate) fn send_console(socket: BorrowedFd<'_>, master: BorrowedFd<'_>) -> io::Result<()> {
    send_with(socket, b"C", master)
}

/// One packet with one descriptor.
fn send_with(socket: BorrowedFd<'_>, packet: &[u8], fd: BorrowedFd<'_>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fds = [fd];
    control.push(SendAncillaryMessage::ScmRights(&fds));
    let packet = [IoSlice::new(packet)];
    sendmsg(socket, &packet, &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// The process in between to the parent: the container's first process.
pub(crate) fn send_born(socket: BorrowedFd<'_>, pid: i32, pidfd: BorrowedFd<'_>) -> io::Result<()> {
    let mut packet = [b'B', 0, 0, 0, 0];
    packet[1..].copy_from_slice(&pid.to_ne_bytes());
    send_with(socket, &packet, pidfd)
}

/// Child to parent: all mounts are made.
pub(crate) fn send_mounted(socket: BorrowedFd<'_>) -> io::Result<()> {
    rustix::net::send(socket, b"M", SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Child to parent: the descriptor of the filter that was just installed. The
/// one call that the filter has to allow.
pub(crate) fn send_listener(socket: BorrowedFd<'_>, listener: BorrowedFd<'_>) -> io::Result<()> {
    send_with(socket, b"L", listener)
}

/// Child to parent: set-up is done.
pub(crate) fn send_ready(socket: BorrowedFd<'_>) -> io::Result<()> {
    rustix::net::send(socket, b"R", SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Child to parent: set-up failed.
pub(crate) fn send_failure(socket: BorrowedFd<'_>, failure: &Failure) -> io::Result<()> {
    let mut packet = vec![b'F', failure.kind as u8];
    let text = failure.message.as_bytes();
    packet.extend_from_slice(&text[..text.len().min(LIMIT - packet.len())]);
    rustix::net::send(socket, &packet, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Parent to child: go on. At the end of the set-up: execute the program.
pub(crate) fn send_go(socket: BorrowedFd<'_>) -> io::Result<()> {
    rustix::net::send(socket, b"G", SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Child: waits for the parent's word. False when the parent is gone.
pub(crate) fn wait_for_go(socket: BorrowedFd<'_>) -> io::Result<bool> {
    let mut byte = [0u8; 1];
    loop {
        match rustix::net::recv(socket, &mut byte, RecvFlags::empty()) {
            Ok((read, _)) => return Ok(read == 1 && byte == *b"G"),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Parent: waits for the child's next message.
pub(crate) fn receive(socket: impl AsFd) -> io::Result<FromChild> {
    let mut packet = [0u8; LIMIT];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let read = loop {
        let mut buffers = [IoSliceMut::new(&mut packet)];
        match recvmsg(&socket, &mut buffers, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Ok(message) => break message.bytes,
            Err(rustix::io::Errno::INTR) => {}
            // A child that was killed while our last word was unread.
            Err(rustix::io::Errno::CONNRESET) => return Ok(FromChild::Closed),
            Err(error) => return Err(error.into()),
        }
    };
    let mut console = None;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut fds) = message {
            console = fds.next();
        }
    }
    match (&packet[..read], console) {
        ([], _) => Ok(FromChild::Closed),
        ([b'R'], None) => Ok(FromChild::Ready),
        ([b'M'], None) => Ok(FromChild::Mounted),
        ([b'B', pid @ ..], Some(pidfd)) if pid.len() == 4 => {
            let mut number = [0; 4];
            number.copy_from_slice(pid);
            Ok(FromChild::Born(i32::from_ne_bytes(number), pidfd))
        }
        ([b'C'], Some(console)) => Ok(FromChild::Console(console)),
        ([b'L'], Some(listener)) => Ok(FromChild::Listener(listener)),
        ([b'F', kind, text @ ..], None) => Ok(FromChild::Failed(Failure {
            kind: FailureKind::from_byte(*kind),
            message: String::from_utf8_lossy(text).into_owned(),
        })),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "unknown message from the child",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_arrives_as_it_was_sent() {
        let (parent, child) = pair().unwrap();
        let sent = Failure::new(
            FailureKind::Denied,
            "exec: \"/etc\": permission denied".into(),
        );
        send_failure(child.as_fd(), &sent).unwrap();
        match receive(&parent).unwrap() {
            FromChild::Failed(got) => assert_eq!(got, sent),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_overlong_text_is_cut_and_still_arrives() {
        let (parent, child) = pair().unwrap();
        let sent = Failure::new(FailureKind::Other, "x".repeat(100_000));
        send_failure(child.as_fd(), &sent).unwrap();
        match receive(&parent).unwrap() {
            FromChild::Failed(got) => assert_eq!(got.message.len(), LIMIT - 2),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_console_descriptor_arrives_before_ready() {
        let (parent, child) = pair().unwrap();
        let flags = rustix::fs::OFlags::RDONLY;
        let console = rustix::fs::open("/dev/null", flags, rustix::fs::Mode::empty()).unwrap();
        send_console(child.as_fd(), console.as_fd()).unwrap();
        send_ready(child.as_fd()).unwrap();
        match receive(&parent).unwrap() {
            FromChild::Console(got) => {
                let device = |fd: &OwnedFd| rustix::fs::fstat(fd).unwrap().st_rdev;
                assert_eq!(device(&got), device(&console));
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(receive(&parent).unwrap(), FromChild::Ready));
    }

    #[test]
    fn a_closed_end_reads_as_closed_and_as_no_go() {
        let (parent, child) = pair().unwrap();
        drop(child);
        assert!(matches!(receive(&parent).unwrap(), FromChild::Closed));
        let (parent, child) = pair().unwrap();
        drop(parent);
        assert!(!wait_for_go(child.as_fd()).unwrap());
    }
}
