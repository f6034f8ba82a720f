//! A D-Bus connection: authentication, calls that wait for their answer, and
//! the signals that come in between.

use super::error::BusError;
use super::message::{self, Call, Received};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long an answer may take; systemd's own clients wait as long.
const PATIENCE: Duration = Duration::from_secs(25);

/// A connection on which calls can be made.
#[derive(Debug)]
pub(super) struct Connection {
    stream: UnixStream,
    serial: u32,
    /// Signals that nobody has waited for yet.
    signals: VecDeque<Received>,
}

impl Connection {
    /// Connects and says who we are, which the kernel vouches for (EXTERNAL).
    pub(super) fn open(socket: &Path) -> Result<Connection, BusError> {
        let stream = UnixStream::connect(socket).map_err(|source| BusError::Connect {
            socket: socket.to_path_buf(),
            source,
        })?;
        let mut connection = Connection {
            stream,
            serial: 0,
            signals: VecDeque::new(),
        };
        connection.stream.set_write_timeout(Some(PATIENCE))?;
        connection.authenticate(rustix::process::geteuid().as_raw())?;
        Ok(connection)
    }

    fn authenticate(&mut self, user: u32) -> Result<(), BusError> {
        let identity: String = user
            .to_string()
            .bytes()
            .map(|digit| format!("{digit:02x}"))
            .collect();
        let hello = format!("\0AUTH EXTERNAL {identity}\r\n");
        self.stream.write_all(hello.as_bytes())?;
        let deadline = Instant::now() + PATIENCE;
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
    pub(super) fn call(&mut self, call: &Call<'_>) -> Result<Received, BusError> {
        self.serial += 1;
        let serial = self.serial;
        self.stream.write_all(&call.encode(serial))?;
        let deadline = Instant::now() + PATIENCE;
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
    pub(super) fn wait_for<T>(
        &mut self,
        wanted: impl Fn(&Received) -> Option<T>,
    ) -> Result<T, BusError> {
        let deadline = Instant::now() + PATIENCE;
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
                return Err(BusError::TimedOut(PATIENCE));
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
