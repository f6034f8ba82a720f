//! Doing something in another network namespace, and asking servers from there.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::time::Duration;

/// How long an answer may take: a dropped packet is never answered.
const PATIENCE: Duration = Duration::from_secs(2);

/// Runs `work` on a thread in the network namespace of a process.
#[track_caller]
pub fn inside<T: Send>(pid: u32, work: impl FnOnce() -> T + Send) -> T {
    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
    use std::os::fd::AsFd;
    let namespace = std::fs::File::open(format!("/proc/{pid}/ns/net")).unwrap();
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            work()
        });
        worker
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// What a server that tells names answers over TCP; the kind of error if it does not.
pub fn ask(address: impl ToSocketAddrs) -> Result<String, std::io::ErrorKind> {
    let address: SocketAddr = address.to_socket_addrs().unwrap().next().unwrap();
    let answer = || {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text
            .split("\r\n\r\n")
            .nth(1)
            .unwrap_or_default()
            .trim_end()
            .to_owned())
    };
    answer().map_err(|error: std::io::Error| match error.kind() {
        // What a silent peer looks like depends on the moment.
        std::io::ErrorKind::WouldBlock => std::io::ErrorKind::TimedOut,
        kind => kind,
    })
}

/// The same over UDP.
pub fn ask_udp(address: impl ToSocketAddrs) -> Result<String, std::io::ErrorKind> {
    let address: SocketAddr = address.to_socket_addrs().unwrap().next().unwrap();
    let answer = || {
        let any = if address.is_ipv4() {
            "0.0.0.0:0"
        } else {
            "[::]:0"
        };
        let socket = UdpSocket::bind(any)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        // Connected: only an answer from the address that was asked counts.
        socket.connect(address)?;
        socket.send(b"who")?;
        let mut buffer = [0u8; 1024];
        let length = socket.recv(&mut buffer)?;
        Ok(String::from_utf8_lossy(&buffer[..length])
            .trim_end()
            .to_owned())
    };
    answer().map_err(|error: std::io::Error| match error.kind() {
        std::io::ErrorKind::WouldBlock => std::io::ErrorKind::TimedOut,
        kind => kind,
    })
}
