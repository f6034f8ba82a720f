//! One question to one server: a socket of its own, hence a random port, and a random id.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};

use super::{MAX_UDP, wire};
use crate::kernel::netns;

/// What is asked, and of whom.
#[derive(Debug)]
pub(super) struct Question<'a> {
    /// The whole message, with `id` in it.
    pub(super) message: &'a [u8],
    pub(super) id: u16,
    /// Name, type and class.
    pub(super) question: &'a [u8],
    pub(super) server: SocketAddr,
    /// The namespace to ask from, when it is not the host's.
    pub(super) sandbox: Option<&'a OwnedFd>,
}

/// An id that cannot be guessed.
pub(super) fn random_id() -> io::Result<u16> {
    let mut bytes = [0u8; 2];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    Ok(u16::from_ne_bytes(bytes))
}

/// Asks by UDP. Datagrams that do not answer the question are passed over.
pub(super) async fn udp(question: &Question<'_>) -> io::Result<Vec<u8>> {
    let socket = std::net::UdpSocket::from(socket(question, SocketType::DGRAM)?);
    let any = match question.server {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    rustix::net::bind(&socket, &any)?;
    let socket = UdpSocket::from_std(socket)?;
    // Connected: only this server's datagrams arrive, and so does "connection refused".
    socket.connect(question.server).await?;
    socket.send(question.message).await?;
    loop {
        socket.readable().await?;
        if let Some(reply) = receive(&socket, question)? {
            return Ok(reply);
        }
    }
}

/// Takes one datagram. Not async: the buffer lives on the stack, not in every waiting forward.
fn receive(socket: &UdpSocket, question: &Question<'_>) -> io::Result<Option<Vec<u8>>> {
    let mut buffer = [0u8; MAX_UDP + 1];
    let length = match socket.try_recv(&mut buffer) {
        Ok(length) => length,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
        Err(error) => return Err(error),
    };
    let reply = buffer.get(..length).unwrap_or_default();
    if !wire::answers(reply, question.id, question.question) {
        return Ok(None);
    }
    let mut reply = reply.to_vec();
    if length > MAX_UDP {
        wire::truncate(&mut reply, question.question.len());
    }
    Ok(Some(reply))
}

/// Asks by TCP.
pub(super) async fn tcp(question: &Question<'_>) -> io::Result<Vec<u8>> {
    let socket = std::net::TcpStream::from(socket(question, SocketType::STREAM)?);
    let mut stream = TcpSocket::from_std_stream(socket)
        .connect(question.server)
        .await?;
    let length = u16::try_from(question.message.len()).map_err(io::Error::other)?;
    let mut framed = Vec::with_capacity(2 + question.message.len());
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(question.message);
    stream.write_all(&framed).await?;
    loop {
        let reply = framed_message(&mut stream).await?;
        if wire::answers(&reply, question.id, question.question) {
            return Ok(reply);
        }
    }
}

async fn framed_message(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = stream.read_u16().await?;
    let mut message = Vec::new();
    // Grows as bytes arrive: a length alone takes no memory.
    stream
        .take(u64::from(length))
        .read_to_end(&mut message)
        .await?;
    if message.len() < usize::from(length) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(message)
}

fn socket(question: &Question<'_>, kind: SocketType) -> io::Result<OwnedFd> {
    let family = match question.server {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let _inside = match question.sandbox {
        Some(ns) => Some(netns::enter(ns.as_fd())?),
        None => None,
    };
    Ok(socket_with(
        family,
        kind,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None,
    )?)
}
