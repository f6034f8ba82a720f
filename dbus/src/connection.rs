//! A D-Bus connection: authentication, calls that wait for their answer, and
//! the signals that come in between.

use super::error::BusError;
use super::message::{self, Call, Received, Writer};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// A bus, by the name it has on itself.
const BUS: &str = "org.freedesktop.DBus";

/// A connection on which calls can be made.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
    serial: u32,
    /// How long one answer may take.
    patience: Duration,
    /// Signals that nobody has waited for yet.
    signals: VecDeque<Received>,
}

impl Connection {
    /// Connects and says who we are, which the kernel vouches for (EXTERNAL). Connecting, and
    /// every answer later, may take as long as `patience`.
    ///
    /// # Errors
    /// [`BusError`]: there is no such socket, we are not let in, nothing is heard in time.
    pub fn open(socket: &Path, patience: Duration) -> Result<Connection, BusError> {
        let stream = connected(socket, patience).map_err(|source| BusError::Connect {
            socket: socket.to_path_buf(),
            source,
        })?;
        let mut connection = Connection {
            stream,
            serial: 0,
            patience,
            signals: VecDeque::new(),
        };
        connection.authenticate(rustix::process::geteuid().as_raw())?;
        Ok(connection)
    }

    /// The same on a bus, where every connection begins with `Hello`.
    ///
    /// # Errors
    /// As [`Connection::open`].
    pub fn on_bus(socket: &Path, patience: Duration) -> Result<Connection, BusError> {
        let mut connection = Connection::open(socket, patience)?;
        connection.ask_bus("Hello", "", Writer::default())?;
        Ok(connection)
    }

    /// Calls a method of the bus itself.
    ///
    /// # Errors
    /// As [`Connection::call`].
    pub fn ask_bus(
        &mut self,
        member: &str,
        signature: &str,
        body: Writer,
    ) -> Result<Received, BusError> {
        self.call(&Call {
            destination: Some(BUS),
            path: "/org/freedesktop/DBus",
            interface: BUS,
            member,
            signature,
            body,
        })
    }

    fn authenticate(&mut self, user: u32) -> Result<(), BusError> {
        let identity: String = user
            .to_string()
            .bytes()
            .map(|digit| format!("{digit:02x}"))
            .collect();
        let hello = format!("\0AUTH EXTERNAL {identity}\r\n");
        self.stream.write_all(hello.as_bytes())?;
        let deadline = Instant::now() + self.patience;
        let mut answer = Vec::new();
        // Nothing follows the line before we begin.
        while !answer.ends_with(b"\r\n") {
            let mut byte = [0];
            self.read_exact(&mut byte, deadline)?;
            answer.push(byte[0]);
            if answer.len() > 512 {
                return Err(BusError::Protocol("the answer is no line"));
            }
        }
        let answer = String::from_utf8_lossy(&answer);
        if !answer.starts_with("OK ") {
            return Err(BusError::Authentication(answer.trim_end().to_owned()));
        }
        self.stream.write_all(b"BEGIN\r\n")?;
        Ok(())
    }

    /// Makes a call and waits for its answer.
    ///
    /// # Errors
    /// [`BusError::Call`] with the other side's words, or the connection fails.
    pub fn call(&mut self, call: &Call<'_>) -> Result<Received, BusError> {
        self.serial += 1;
        let serial = self.serial;
        self.stream.write_all(&call.encode(serial))?;
        let deadline = Instant::now() + self.patience;
        loop {
            let received = self.receive(deadline)?;
            match received.kind {
                message::SIGNAL => self.signals.push_back(received),
                message::RETURN if received.reply_to == Some(serial) => return Ok(received),
                message::ERROR if received.reply_to == Some(serial) => {
                    let mut arguments = received.arguments.into_iter();
                    return Err(BusError::Call {
                        method: call.member.to_owned(),
                        name: received.error_name,
                        message: arguments.next().unwrap_or_default(),
                    });
                }
                // Nobody has anything to ask of us.
                _ => {}
            }
        }
    }

    /// Waits for a signal that `wanted` answers with a value.
    ///
    /// # Errors
    /// [`BusError::TimedOut`], or the connection fails.
    pub fn wait_for<T>(&mut self, wanted: impl Fn(&Received) -> Option<T>) -> Result<T, BusError> {
        let deadline = Instant::now() + self.patience;
        loop {
            while let Some(signal) = self.signals.pop_front() {
                if let Some(value) = wanted(&signal) {
                    return Ok(value);
                }
            }
            let received = self.receive(deadline)?;
            if received.kind == message::SIGNAL {
                self.signals.push_back(received);
            }
        }
    }

    fn receive(&mut self, deadline: Instant) -> Result<Received, BusError> {
        let mut fixed = [0; message::FIXED];
        self.read_exact(&mut fixed, deadline)?;
        let mut whole = vec![0; message::total_length(&fixed)?];
        let (head, rest) = whole.split_at_mut(message::FIXED);
        head.copy_from_slice(&fixed);
        self.read_exact(rest, deadline)?;
        message::decode(&whole)
    }

    fn read_exact(&mut self, mut room: &mut [u8], deadline: Instant) -> Result<(), BusError> {
        while !room.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(BusError::TimedOut(self.patience));
            }
            self.stream.set_read_timeout(Some(left))?;
            match self.stream.read(room) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Ok(length) => room = &mut room[length..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// A connected socket; where the other side does not accept, this waits no longer than `patience`.
fn connected(socket: &Path, patience: Duration) -> io::Result<UnixStream> {
    let address = SocketAddrUnix::new(socket)?;
    let fd = socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    set_socket_timeout(&fd, Timeout::Send, Some(patience))?;
    connect(&fd, &address)?;
    Ok(UnixStream::from(fd))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn who_does_not_answer_is_not_waited_for_long() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        rustix::net::listen(&listener, 1).unwrap();
        let patience = Duration::from_millis(50);
        let began = Instant::now();
        // More than the queue holds: the last one waits for a place in it.
        let mut waiting = Vec::new();
        let failed = (0..10).find_map(|_| {
            let stream = connected(&path, patience);
            stream.map(|stream| waiting.push(stream)).err()
        });
        assert!(failed.is_some_and(|error| error.kind() == io::ErrorKind::WouldBlock));
        waiting.clear();
        assert!(began.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn a_service_that_says_nothing_times_out() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let _listener = UnixListener::bind(&path).unwrap();
        let error = Connection::open(&path, Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.to_string(), "no answer within 0.05 s");
        let error = Connection::open(&directory.path().join("none"), Duration::from_millis(50));
        assert!(matches!(error, Err(BusError::Connect { .. })));
    }
}
