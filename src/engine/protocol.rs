//! What passes between a client and a container's monitor: frames on a unix
//! stream socket. A connection starts with one request; the monitor answers
//! with frames until it closes.
//!
//! ```text
//! frame   = kind (1 byte) length (4 bytes, little endian) payload
//! client  : request, then stdin bytes, end of stdin, resizes, signals
//! monitor : notices, started | failure, then output and finally the exit code; or done
//! ```

use std::io::{self, Read, Write};

use rbox_netsetup::model::endpoint::EndpointConfig;
use serde::{Deserialize, Serialize};

use super::cgroup_plan::CgroupPlan;
use super::failure::Failure;
use super::record::HealthStatus;

/// Longest payload either side accepts.
pub const MAX_PAYLOAD: usize = 1 << 20;

/// First frame of a connection, but for what a monitor may be told before it has its container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// On the inherited connection only, before anything else: make the control group that the
    /// container will have.
    Prepare(Box<CgroupPlan>),
    /// On the inherited connection only: start the container, then behave as `attach`.
    Start {
        /// Which streams the client wants, none when detached.
        attach: Option<Streams>,
        /// Terminal size, rows and columns.
        size: Option<(u16, u16)>,
        /// The container is killed when this connection closes, however that comes.
        #[serde(default)]
        bound: bool,
        /// Environment that is written down nowhere, `NAME=value` each.
        #[serde(default)]
        secrets: Vec<String>,
    },
    /// Join the container's streams.
    Attach {
        /// Which ones.
        streams: Streams,
    },
    /// The same, for a client that traces where the time goes.
    Traced {
        /// Where its trace is found.
        trace: String,
        /// What is asked.
        request: Box<Request>,
    },
    /// Answer once the container runs.
    Ping,
    /// Report the exit code when it ends.
    Wait,
    /// Send a signal to the container's init.
    Kill {
        /// Number.
        signal: i32,
    },
    /// Send a signal, and SIGKILL when it has not ended in time; then the exit code.
    Stop {
        /// Number.
        signal: i32,
        /// Seconds; negative waits for ever.
        timeout: i64,
    },
    /// Attach to a network.
    Connect {
        /// As recorded.
        endpoint: Box<EndpointConfig>,
    },
    /// Leave a network.
    Disconnect {
        /// Its name.
        network: String,
    },
    /// The container has a new name: republish it.
    Renamed,
    /// Limits or restart policy in the container's record are others now.
    Updated,
    /// A container that this one links to may have another address, or another name.
    SourceMoved,
    /// Make again what of the sandbox somebody took away.
    Reload,
    /// Stop all processes for as long as the connection stands.
    Freeze,
    /// Stop all processes until `unpause`.
    Pause,
    /// Let them run again.
    Unpause,
    /// Answer once the container is healthy, unhealthy or has ended.
    AwaitHealth,
    /// A link is taken away.
    Unlinked {
        /// What the container calls its source.
        alias: String,
    },
}

/// Streams of an attached client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streams {
    /// Feed the container's stdin.
    pub stdin: bool,
    /// Receive stdout.
    pub stdout: bool,
    /// Receive stderr.
    pub stderr: bool,
}

/// One frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// See [`Request`].
    Request(Request),
    /// Bytes for the container's stdin.
    Stdin(Vec<u8>),
    /// No more stdin.
    StdinEnd,
    /// The client's terminal changed: rows, columns.
    Resize(u16, u16),
    /// The client caught a signal and passes it on.
    Signal(i32),
    /// The container's process runs.
    Started,
    /// The request failed; nothing follows.
    Failed(Failure),
    /// The request is done; nothing follows.
    Done,
    /// The names of what was mended; nothing follows.
    Mended(Vec<String>),
    /// How the container's health is, where something looks after it; nothing follows.
    Health(Option<HealthStatus>),
    /// Something that the user should know; `started` follows.
    Notice(Failure),
    /// Bytes of the container's stdout (or terminal).
    Stdout(Vec<u8>),
    /// Bytes of the container's stderr.
    Stderr(Vec<u8>),
    /// The container ended; nothing follows.
    Exited(i32),
}

impl Frame {
    /// The frame as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let json = |value: serde_json::Result<Vec<u8>>| value.unwrap_or_default();
        let (kind, payload) = match self {
            Frame::Request(request) => (b'Q', json(serde_json::to_vec(request))),
            Frame::Stdin(bytes) => (b'i', bytes.clone()),
            Frame::StdinEnd => (b'e', Vec::new()),
            Frame::Resize(rows, columns) => {
                let mut bytes = rows.to_le_bytes().to_vec();
                bytes.extend(columns.to_le_bytes());
                (b'w', bytes)
            }
            Frame::Signal(number) => (b'k', number.to_le_bytes().to_vec()),
            Frame::Started => (b'S', Vec::new()),
            Frame::Failed(failure) => (b'F', json(serde_json::to_vec(failure))),
            Frame::Done => (b'D', Vec::new()),
            Frame::Mended(names) => (b'M', json(serde_json::to_vec(names))),
            Frame::Health(status) => (b'H', json(serde_json::to_vec(status))),
            Frame::Notice(notice) => (b'N', json(serde_json::to_vec(notice))),
            Frame::Stdout(bytes) => (b'1', bytes.clone()),
            Frame::Stderr(bytes) => (b'2', bytes.clone()),
            Frame::Exited(code) => (b'X', code.to_le_bytes().to_vec()),
        };
        let mut bytes = Vec::with_capacity(5 + payload.len());
        bytes.push(kind);
        bytes.extend(
            u32::try_from(payload.len())
                .unwrap_or(u32::MAX)
                .to_le_bytes(),
        );
        bytes.extend(payload);
        bytes
    }

    /// Length of the payload that follows this header.
    pub fn payload_length(header: [u8; 5]) -> io::Result<usize> {
        let [_, a, b, c, d] = header;
        usize::try_from(u32::from_le_bytes([a, b, c, d]))
            .ok()
            .filter(|length| *length <= MAX_PAYLOAD)
            .ok_or_else(|| invalid("a frame is too long"))
    }

    /// A frame from its header and payload.
    pub fn decode(header: [u8; 5], payload: Vec<u8>) -> io::Result<Frame> {
        let number = |payload: &[u8]| -> io::Result<i32> {
            let bytes = payload
                .try_into()
                .map_err(|_| invalid("a number has four bytes"))?;
            Ok(i32::from_le_bytes(bytes))
        };
        Ok(match header[0] {
            b'Q' => Frame::Request(serde_json::from_slice(&payload)?),
            b'i' => Frame::Stdin(payload),
            b'e' => Frame::StdinEnd,
            b'w' => match payload[..] {
                [a, b, c, d] => {
                    Frame::Resize(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]))
                }
                _ => return Err(invalid("a size has four bytes")),
            },
            b'k' => Frame::Signal(number(&payload)?),
            b'S' => Frame::Started,
            b'F' => Frame::Failed(serde_json::from_slice(&payload)?),
            b'D' => Frame::Done,
            b'M' => Frame::Mended(serde_json::from_slice(&payload)?),
            b'H' => Frame::Health(serde_json::from_slice(&payload)?),
            b'N' => Frame::Notice(serde_json::from_slice(&payload)?),
            b'1' => Frame::Stdout(payload),
            b'2' => Frame::Stderr(payload),
            b'X' => Frame::Exited(number(&payload)?),
            _ => return Err(invalid("a frame of unknown kind")),
        })
    }

    /// Writes the frame.
    pub fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        stream.write_all(&self.encode())
    }

    /// Reads one frame; `Ok(None)` when the peer closed between frames.
    pub fn read(stream: &mut impl Read) -> io::Result<Option<Frame>> {
        let mut header = [0u8; 5];
        match stream.read(&mut header[..1]) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
            Err(error) => return Err(error),
        }
        stream.read_exact(&mut header[1..])?;
        let mut payload = vec![0; Frame::payload_length(header)?];
        stream.read_exact(&mut payload)?;
        Frame::decode(header, payload).map(Some)
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_reads_back_as_written() {
        let frames = [
            Frame::Request(Request::Start {
                attach: Some(Streams {
                    stdin: true,
                    stdout: true,
                    stderr: false,
                }),
                size: Some((24, 80)),
                bound: true,
                secrets: vec!["TOKEN=x".into()],
            }),
            Frame::Request(Request::Stop {
                signal: 15,
                timeout: -1,
            }),
            Frame::Stdin(b"hello".to_vec()),
            Frame::StdinEnd,
            Frame::Resize(24, 80),
            Frame::Signal(15),
            Frame::Started,
            Frame::Failed(Failure::new("no").code(127).hint("try")),
            Frame::Done,
            Frame::Mended(vec!["eth0".to_owned()]),
            Frame::Health(Some(HealthStatus::Healthy)),
            Frame::Health(None),
            Frame::Notice(Failure::new("gone").hint("reload")),
            Frame::Stdout(vec![0; 70_000]),
            Frame::Stderr(Vec::new()),
            Frame::Exited(-1),
        ];
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::encode).collect();
        let mut reader = bytes.as_slice();
        for frame in frames {
            assert_eq!(Frame::read(&mut reader).unwrap(), Some(frame));
        }
        assert_eq!(Frame::read(&mut reader).unwrap(), None);
    }

    #[test]
    fn a_broken_frame_is_an_error_and_never_a_huge_allocation() {
        for bytes in [
            &b"1\xff\xff\xff\xff"[..],
            b"?\0\0\0\0",
            b"X\x01\0\0\0z",
            b"1\x05\0\0\0ab",
        ] {
            assert!(Frame::read(&mut &bytes[..]).is_err(), "{bytes:?}");
        }
    }
}
