//! A netlink socket: sends a batch, matches the answers by sequence number.
//!
//! The kernel answers inside `send`: when it returns, the acknowledgements and the first part
//! of a dump are queued, and each receive of a dump queues the next part. So every receive is
//! non-blocking, and an empty queue before the last answer is an error, not a reason to wait.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, recvfrom, send,
    socket_with, sockopt,
};

use super::attr::Attributes;
use super::error::NetlinkError;
use super::message::{Batch, DUMP, Message, Messages, REQUEST};
use super::option::{self, Flag};

const ERROR: u16 = 2;
const DONE: u16 = 3;
const FIRST_TYPED: u16 = 16;
const FLAG_CAPPED: u16 = 0x100;
const FLAG_TLVS: u16 = 0x200;
const FLAG_DUMP_INTERRUPTED: u16 = 0x10;
const ATTR_ERROR_TEXT: u16 = 1;
/// The kernel builds dump messages of at most 32 KiB.
const RECEIVE_BYTES: usize = 32 * 1024;
/// Up to here the default send buffer holds a batch.
const DEFAULT_SEND_BYTES: usize = 128 * 1024;
/// A dump that others keep changing is given up after so many attempts.
const DUMP_ATTEMPTS: usize = 16;

/// A netlink socket of one protocol in one network namespace.
#[derive(Debug)]
pub(in crate::kernel) struct Socket {
    fd: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

/// An answer that is neither an acknowledgement nor an error.
#[derive(Debug)]
pub(in crate::kernel) struct Reply {
    /// Which request of the batch it answers.
    pub request: usize,
    /// Message type.
    pub kind: u16,
    /// What follows the netlink header.
    pub body: Vec<u8>,
}

impl Socket {
    /// Opens a socket in the current network namespace; `None` is NETLINK_ROUTE.
    pub fn open(protocol: Option<Protocol>) -> io::Result<Socket> {
        let fd = socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
            protocol,
        )?;
        option::set(fd.as_fd(), Flag::ShortAcks)?;
        option::set(fd.as_fd(), Flag::ExtendedAcks)?;
        option::set(fd.as_fd(), Flag::StrictCheck)?;
        Ok(Socket {
            fd,
            sequence: 0,
            buffer: vec![0; RECEIVE_BYTES],
        })
    }

    /// Sends a batch and collects the answers. The error is that of the earliest failed request.
    pub fn execute(&mut self, mut batch: Batch) -> Result<Vec<Reply>, NetlinkError> {
        if batch.overflowed() {
            return Err(NetlinkError::TooLong {
                request: batch.label(),
            });
        }
        let first = self.sequence.wrapping_add(1);
        let count = u32::try_from(batch.len()).unwrap_or(u32::MAX);
        self.sequence = self.sequence.wrapping_add(count);
        batch.number(first);
        self.send(batch.encoder.as_slice())
            .map_err(|errno| NetlinkError::Transport {
                request: batch.label(),
                errno,
            })?;

        let mut answered: Vec<bool> = batch.requests.iter().map(|r| !r.acknowledged).collect();
        let mut replies = Vec::new();
        let mut failure: Option<(usize, Errno, Option<String>)> = None;
        while answered.contains(&false) {
            let received = match self.receive() {
                Ok(received) => received,
                Err(Errno::AGAIN) => break,
                Err(errno) => {
                    return Err(NetlinkError::Transport {
                        request: batch.label(),
                        errno,
                    });
                }
            };
            for message in Messages(&self.buffer[..received]) {
                let request = message.sequence.wrapping_sub(first) as usize;
                let Some(asked) = batch.requests.get(request) else {
                    continue;
                };
                if message.kind == ERROR {
                    answered[request] = true;
                    if let Some((errno, detail)) = refusal(&message)
                        && !asked.tolerated.contains(&errno)
                        && failure
                            .as_ref()
                            .is_none_or(|(earlier, ..)| request < *earlier)
                    {
                        failure = Some((request, errno, detail));
                    }
                } else if message.kind >= FIRST_TYPED {
                    replies.push(Reply {
                        request,
                        kind: message.kind,
                        body: message.body.to_vec(),
                    });
                }
            }
        }
        if let Some((request, errno, detail)) = failure {
            let request = batch.requests.swap_remove(request).label;
            return Err(NetlinkError::Refused {
                request,
                errno,
                detail,
            });
        }
        match answered.iter().position(|done| !done) {
            None => Ok(replies),
            Some(request) => Err(NetlinkError::Answer {
                request: batch.requests.swap_remove(request).label,
                problem: "missing",
            }),
        }
    }

    /// Asks for a list; `each` sees every entry's message type and body. The list is of one
    /// moment: when others change it meanwhile it is read again.
    pub fn dump<T>(
        &mut self,
        label: &str,
        kind: u16,
        header: &[u8],
        each: impl Fn(u16, &[u8]) -> Option<T>,
    ) -> Result<Vec<T>, NetlinkError> {
        for _ in 0..DUMP_ATTEMPTS {
            if let Some(list) = self.dump_once(label, kind, header, &each)? {
                return Ok(list);
            }
        }
        Err(NetlinkError::Answer {
            request: label.to_owned(),
            problem: "changing all the time",
        })
    }

    fn dump_once<T>(
        &mut self,
        label: &str,
        kind: u16,
        header: &[u8],
        each: impl Fn(u16, &[u8]) -> Option<T>,
    ) -> Result<Option<Vec<T>>, NetlinkError> {
        let request = || label.to_owned();
        let transport = |errno| NetlinkError::Transport {
            request: request(),
            errno,
        };
        let mut batch = Batch::default();
        batch.request(label, kind, REQUEST | DUMP, |e| e.raw(header));
        self.sequence = self.sequence.wrapping_add(1);
        let sequence = self.sequence;
        batch.number(sequence);
        self.send(batch.encoder.as_slice()).map_err(transport)?;
        let mut list = Vec::new();
        let mut interrupted = false;
        loop {
            let received = match self.receive() {
                Ok(received) => received,
                Err(Errno::AGAIN) => {
                    return Err(NetlinkError::Answer {
                        request: request(),
                        problem: "cut short",
                    });
                }
                Err(errno) => return Err(transport(errno)),
            };
            for message in Messages(&self.buffer[..received]) {
                if message.sequence != sequence {
                    continue;
                }
                interrupted |= message.flags & FLAG_DUMP_INTERRUPTED != 0;
                match message.kind {
                    ERROR | DONE => {
                        if let Some((errno, detail)) = refusal(&message) {
                            return Err(NetlinkError::Refused {
                                request: request(),
                                errno,
                                detail,
                            });
                        }
                        return Ok((!interrupted).then_some(list));
                    }
                    FIRST_TYPED.. => list.extend(each(message.kind, message.body)),
                    _ => {}
                }
            }
        }
    }

    fn send(&self, bytes: &[u8]) -> Result<(), Errno> {
        if bytes.len() > DEFAULT_SEND_BYTES {
            sockopt::set_socket_send_buffer_size_force(&self.fd, bytes.len() * 2)?;
        }
        let sent = send(&self.fd, bytes, SendFlags::empty())?;
        if sent == bytes.len() {
            Ok(())
        } else {
            Err(Errno::MSGSIZE)
        }
    }

    /// Receives one datagram from the kernel; other senders are not heard.
    fn receive(&mut self) -> Result<usize, Errno> {
        loop {
            let (read, length, from) =
                match recvfrom(&self.fd, self.buffer.as_mut_slice(), RecvFlags::TRUNC) {
                    Err(Errno::INTR) => continue,
                    other => other?,
                };
            let sender = from.and_then(|address| SocketAddrNetlink::try_from(address).ok());
            if sender.is_none_or(|address| address.pid() != 0) {
                continue;
            }
            if length > self.buffer.len() {
                return Err(Errno::MSGSIZE);
            }
            return Ok(read);
        }
    }
}

/// The code and words of an error message; `None` for an acknowledgement.
fn refusal(message: &Message<'_>) -> Option<(Errno, Option<String>)> {
    let Some(code) = message.body.get(..4).and_then(|code| code.try_into().ok()) else {
        return Some((Errno::BADMSG, None));
    };
    let code = i32::from_ne_bytes(code);
    if code == 0 || (message.kind == DONE && code > 0) {
        return None;
    }
    let errno = match code.checked_neg() {
        Some(positive @ 1..=4095) => Errno::from_raw_os_error(positive),
        _ => return Some((Errno::BADMSG, None)),
    };
    let words = || {
        if message.flags & FLAG_TLVS == 0 {
            return None;
        }
        let behind = match message.kind {
            DONE => 4,
            // The request's header follows the code, and all of it unless capped.
            _ if message.flags & FLAG_CAPPED != 0 => 4 + 16,
            _ => {
                let echoed = message.body.get(4..8)?.try_into().ok()?;
                4 + usize::try_from(u32::from_ne_bytes(echoed))
                    .ok()?
                    .next_multiple_of(4)
            }
        };
        Attributes::after(message.body, behind).get_text(ATTR_ERROR_TEXT)
    };
    Some((errno, words()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(flags: u16, body: &[u8]) -> Option<(Errno, Option<String>)> {
        refusal(&Message {
            kind: ERROR,
            flags,
            sequence: 1,
            body,
        })
    }

    #[test]
    fn a_zero_code_is_an_acknowledgement() {
        assert_eq!(error(0, &[0; 20]), None);
    }

    #[test]
    fn the_kernels_words_are_found_behind_a_capped_request() {
        let mut body = (-17i32).to_ne_bytes().to_vec();
        body.extend_from_slice(&[0; 16]);
        body.extend_from_slice(&[8, 0, 1, 0, b'd', b'u', b'p', 0]);
        let found = error(FLAG_CAPPED | FLAG_TLVS, &body);
        assert_eq!(found, Some((Errno::EXIST, Some("dup".to_owned()))));
        assert_eq!(error(FLAG_CAPPED, &body), Some((Errno::EXIST, None)));
    }

    #[test]
    fn short_or_senseless_errors_are_errors() {
        assert_eq!(error(0, &[1, 2]), Some((Errno::BADMSG, None)));
        assert_eq!(error(0, &5i32.to_ne_bytes()), Some((Errno::BADMSG, None)));
        assert_eq!(
            error(0, &i32::MIN.to_ne_bytes()),
            Some((Errno::BADMSG, None))
        );
        let mut body = (-1i32).to_ne_bytes().to_vec();
        body.extend_from_slice(&u32::MAX.to_ne_bytes());
        assert_eq!(error(FLAG_TLVS, &body), Some((Errno::PERM, None)));
    }
}
