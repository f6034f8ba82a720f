//! Giving a container's terminal to whoever asked for the container, over the
//! socket that `--console-socket` names.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use super::NAME;
use crate::engine::failure::{Context, Failure};

/// What the descriptor is; containerd and conmon want some text beside it.
const TEXT: &[u8] = b"/dev/ptmx";

/// Where a new process's terminal goes.
#[derive(Debug)]
pub enum Console {
    /// It has none.
    None,
    /// Over this socket.
    Socket(UnixStream),
    /// This process relays it.
    Foreground,
}

impl Console {
    /// Connects before anything is made; refuses flags that contradict each
    /// other, with runc's texts.
    pub fn prepare(terminal: bool, detach: bool, socket: Option<&str>) -> Result<Console, Failure> {
        match (terminal, detach, socket) {
            (true, true, None) => Err(Failure::new(format!(
                "cannot allocate tty if {NAME} will detach without setting console socket"
            ))),
            (true, true, Some(path)) => UnixStream::connect(path)
                .map(Console::Socket)
                .context(|| format!("dial unix {path}: connect")),
            (_, _, Some(_)) => Err(Failure::new(format!(
                "cannot use console socket if {NAME} will not detach or allocate tty"
            ))),
            (true, false, None) => Ok(Console::Foreground),
            (false, _, None) => Ok(Console::None),
        }
    }

    /// Sends the terminal's master side if there is a socket for it.
    pub fn send(&self, master: BorrowedFd<'_>) -> Result<(), Failure> {
        let Console::Socket(socket) = self else {
            return Ok(());
        };
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let fds = [master];
        control.push(SendAncillaryMessage::ScmRights(&fds));
        sendmsg(
            socket.as_fd(),
            &[IoSlice::new(TEXT)],
            &mut control,
            SendFlags::NOSIGNAL,
        )
        .context(|| "send the terminal over the console socket".into())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Console;
    use std::io::IoSliceMut;
    use std::mem::MaybeUninit;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixListener;

    use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

    #[test]
    fn flags_that_contradict_each_other_are_refused_with_runcs_texts() {
        let refused = |terminal, detach, socket| {
            Console::prepare(terminal, detach, socket)
                .unwrap_err()
                .message
        };
        assert_eq!(
            refused(true, true, None),
            "cannot allocate tty if rbox-runtime will detach without setting console socket"
        );
        let useless = "cannot use console socket if rbox-runtime will not detach or allocate tty";
        assert_eq!(refused(false, true, Some("/x")), useless);
        assert_eq!(refused(true, false, Some("/x")), useless);
        assert!(
            refused(true, true, Some("/nonexistent/s"))
                .starts_with("dial unix /nonexistent/s: connect: ")
        );
        assert!(matches!(
            Console::prepare(true, false, None),
            Ok(Console::Foreground)
        ));
        assert!(matches!(
            Console::prepare(false, true, None),
            Ok(Console::None)
        ));
    }

    #[test]
    fn the_terminal_arrives_with_a_text() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("console");
        let listener = UnixListener::bind(&path).unwrap();
        let console = Console::prepare(true, true, path.to_str()).unwrap();
        let null = std::fs::File::open("/dev/null").unwrap();
        console.send(null.as_fd()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        let mut bytes = [0u8; 64];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut buffers = [IoSliceMut::new(&mut bytes)];
        let got = recvmsg(&stream, &mut buffers, &mut control, RecvFlags::empty()).unwrap();
        assert_eq!(&bytes[..got.bytes], b"/dev/ptmx");
        let fds = control
            .drain()
            .filter(|message| matches!(message, RecvAncillaryMessage::ScmRights(_)));
        assert_eq!(fds.count(), 1);
    }
}
