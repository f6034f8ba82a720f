//! A double of systemd, and a D-Bus daemon to have between it and us.

use super::super::super::tests::skip;
use rbox_dbus::message::{self, Call, FIXED, Received, Writer};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

/// What it answers: a method, and the result of its job (`done`), the name of an
/// error (`!UnitExists`), or nothing.
type Script = &'static [(&'static str, &'static str)];

/// A thread that plays systemd for as many calls as its script has.
pub(super) struct Double {
    directory: Option<tempfile::TempDir>,
    thread: JoinHandle<Vec<Received>>,
}

impl Double {
    /// Behind a socket of its own.
    pub(super) fn listening(script: Script) -> Double {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("private")).unwrap();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut line = Vec::new();
            while !line.ends_with(b"\r\n") {
                line.push(byte(&mut stream));
            }
            // `0` as text, in hexadecimal, for root.
            let user = rustix::process::geteuid().as_raw().to_string();
            let user: String = user.bytes().map(|b| format!("{b:02x}")).collect();
            assert_eq!(line, format!("\0AUTH EXTERNAL {user}\r\n").into_bytes());
            stream.write_all(b"OK 0123456789abcdef\r\n").unwrap();
            let mut begin = [0; 7];
            stream.read_exact(&mut begin).unwrap();
            assert_eq!(&begin, b"BEGIN\r\n");
            answer(&mut stream, script, None)
        });
        Double {
            directory: Some(directory),
            thread,
        }
    }

    /// Behind a bus, by systemd's name.
    pub(super) fn on_bus(bus: &Path, script: Script) -> Double {
        let mut stream = UnixStream::connect(bus).unwrap();
        let user = rustix::process::geteuid().as_raw().to_string();
        let user: String = user.bytes().map(|b| format!("{b:02x}")).collect();
        write!(stream, "\0AUTH EXTERNAL {user}\r\n").unwrap();
        while byte(&mut stream) != b'\n' {}
        stream.write_all(b"BEGIN\r\n").unwrap();
        for (serial, member, argument) in [(1, "Hello", None), (2, "RequestName", Some(()))] {
            let mut body = Writer::default();
            if argument.is_some() {
                body.string("org.freedesktop.systemd1");
                body.u32(0);
            }
            let call = Call {
                destination: Some("org.freedesktop.DBus"),
                path: "/org/freedesktop/DBus",
                interface: "org.freedesktop.DBus",
                member,
                signature: if argument.is_some() { "su" } else { "" },
                body,
            };
            stream.write_all(&call.encode(serial)).unwrap();
            while receive(&mut stream).unwrap().1.reply_to != Some(serial) {}
        }
        let thread = std::thread::spawn(move || answer(&mut stream, script, Some(())));
        Double {
            directory: None,
            thread,
        }
    }

    pub(super) fn socket(&self) -> &'static Path {
        let directory = self.directory.as_ref().unwrap().path();
        Box::leak(directory.join("private").into_boxed_path())
    }

    /// What was asked of it.
    pub(super) fn calls(self) -> Vec<Received> {
        self.thread.join().unwrap()
    }
}

fn byte(stream: &mut UnixStream) -> u8 {
    let mut one = [0];
    stream.read_exact(&mut one).unwrap();
    one[0]
}

/// A message's serial number and sender, and the message.
fn receive(stream: &mut UnixStream) -> Option<(u32, Received, Vec<u8>)> {
    let mut fixed = [0; FIXED];
    stream.read_exact(&mut fixed).ok()?;
    let mut whole = vec![0; message::total_length(&fixed).unwrap()];
    whole[..FIXED].copy_from_slice(&fixed);
    stream.read_exact(&mut whole[FIXED..]).unwrap();
    let serial = u32::from_le_bytes(whole[8..12].try_into().unwrap());
    Some((serial, message::decode(&whole).unwrap(), whole))
}

fn answer(stream: &mut UnixStream, script: Script, bus: Option<()>) -> Vec<Received> {
    let mut calls = Vec::new();
    for (member, result) in script {
        let (serial, call, whole) = loop {
            match receive(stream) {
                Some(found) if found.1.kind == message::CALL => break found,
                Some(_) => {}
                None => return calls,
            }
        };
        assert_eq!(call.member, *member);
        // Whoever asks by a bus has a name there, in the field SENDER.
        let sender = bus.map(|()| sender(&whole));
        let object = "/org/freedesktop/systemd1/job/7";
        let mut body = Writer::default();
        match result.strip_prefix('!') {
            Some(error) => {
                body.string("a double's error");
                let name = format!("org.freedesktop.systemd1.{error}");
                let bytes = encode(3, serial, Some(&name), sender.as_deref(), "s", body);
                stream.write_all(&bytes).unwrap();
            }
            None if result.is_empty() => {
                let bytes = encode(2, serial, None, sender.as_deref(), "", body);
                stream.write_all(&bytes).unwrap();
            }
            None => {
                // The job may be done before it is named.
                let mut signal = Writer::default();
                signal.u32(7);
                signal.string(object);
                signal.string("rbox-abc.scope");
                signal.string(result);
                stream.write_all(&signal_message(signal)).unwrap();
                body.string(object);
                let bytes = encode(2, serial, None, sender.as_deref(), "o", body);
                stream.write_all(&bytes).unwrap();
            }
        }
        calls.push(call);
    }
    calls
}

fn sender(message: &[u8]) -> String {
    let mark = b"\x07\x01s\x00";
    let at = message.windows(4).position(|w| w == mark).unwrap() + 4;
    let length =
        usize::try_from(u32::from_le_bytes(message[at..at + 4].try_into().unwrap())).unwrap();
    String::from_utf8(message[at + 4..at + 4 + length].to_vec()).unwrap()
}

/// Field by field, so that it does not share our encoder's mistakes.
fn header(kind: u8, fields: &[(u8, &str, Field<'_>)], body: usize) -> Vec<u8> {
    let mut bytes = vec![b'l', kind, 1, 1];
    bytes.extend(u32::try_from(body).unwrap().to_le_bytes());
    bytes.extend(9_u32.to_le_bytes());
    let mut list = Vec::new();
    for (code, signature, value) in fields {
        list.resize(list.len().next_multiple_of(8), 0);
        list.extend([*code, 1, signature.as_bytes()[0], 0]);
        match value {
            Field::Number(number) => list.extend(number.to_le_bytes()),
            Field::Text(text) => {
                list.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
                list.extend(text.as_bytes());
                list.push(0);
            }
            Field::Signature(text) => {
                list.push(u8::try_from(text.len()).unwrap());
                list.extend(text.as_bytes());
                list.push(0);
            }
        }
    }
    bytes.extend(u32::try_from(list.len()).unwrap().to_le_bytes());
    bytes.extend(list);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

enum Field<'a> {
    Number(u32),
    Text(&'a str),
    Signature(&'a str),
}

fn encode(
    kind: u8,
    reply_to: u32,
    error: Option<&str>,
    to: Option<&str>,
    signature: &str,
    body: Writer,
) -> Vec<u8> {
    let mut fields = vec![(5, "u", Field::Number(reply_to))];
    fields.extend(error.map(|name| (4, "s", Field::Text(name))));
    fields.extend(to.map(|name| (6, "s", Field::Text(name))));
    if !signature.is_empty() {
        fields.push((8, "g", Field::Signature(signature)));
    }
    let body = body.into_bytes();
    let mut bytes = header(kind, &fields, body.len());
    bytes.extend(body);
    bytes
}

fn signal_message(body: Writer) -> Vec<u8> {
    let fields = [
        (1, "o", Field::Text("/org/freedesktop/systemd1")),
        (2, "s", Field::Text("org.freedesktop.systemd1.Manager")),
        (3, "s", Field::Text("JobRemoved")),
        (8, "g", Field::Signature("uoss")),
    ];
    let body = body.into_bytes();
    let mut bytes = header(4, &fields, body.len());
    bytes.extend(body);
    bytes
}

/// A D-Bus daemon of the test's own.
pub(super) struct Daemon {
    directory: tempfile::TempDir,
    process: Child,
}

impl Daemon {
    /// `None`, visibly, where there is no such program.
    pub(super) fn start(test: &str) -> Option<Daemon> {
        let directory = tempfile::tempdir().unwrap();
        let address = format!("unix:path={}", directory.path().join("bus").display());
        let started = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address", "--address"])
            .arg(address)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut process) = started else {
            skip(test, "there is no dbus-daemon");
            return None;
        };
        // It listens when it has said where.
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        if line.is_empty() {
            let _ = process.wait();
            skip(test, "dbus-daemon does not start");
            return None;
        }
        Some(Daemon { directory, process })
    }

    pub(super) fn socket(&self) -> &'static Path {
        let socket: PathBuf = self.directory.path().join("bus");
        Box::leak(socket.into_boxed_path())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
