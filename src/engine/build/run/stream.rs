//! A step's conversation with the monitor of its container.

use std::io;
use std::os::unix::net::UnixStream;
use std::thread;

use crate::engine::Engine;
use crate::engine::failure::{Context, Failure};
use crate::engine::protocol::{Frame, Request, Streams};

use super::Output;

/// Bytes of stdin in one frame.
const CHUNK: usize = 64 * 1024;

/// What the monitor is told, but for what every step has.
pub struct Start<'a> {
    /// What the process reads.
    pub stdin: Option<&'a [u8]>,
    /// Environment that is written down nowhere.
    pub secrets: Vec<String>,
}

/// Starts the container behind `stream`, passes its output on, and returns its exit code.
///
/// # Errors
/// Why it could not be started, or that its monitor went away.
pub fn to_end(
    engine: &Engine,
    stream: &UnixStream,
    start: Start<'_>,
    output: &Output<'_>,
) -> Result<i32, Failure> {
    let died = || Failure::new("the monitor of the step's container went away");
    let request = Frame::Request(Request::Start {
        attach: Some(Streams {
            stdin: start.stdin.is_some(),
            stdout: true,
            stderr: true,
        }),
        size: None,
        bound: true,
        secrets: start.secrets,
    });
    request.write(&mut &*stream).map_err(|_| died())?;
    loop {
        match Frame::read(&mut &*stream) {
            Ok(Some(Frame::Notice(notice))) => (engine.tell)(&notice),
            Ok(Some(Frame::Started)) => break,
            Ok(Some(Frame::Failed(failure))) => return Err(failure),
            _ => return Err(died()),
        }
    }
    thread::scope(|scope| {
        if let Some(stdin) = start.stdin {
            thread::Builder::new()
                .spawn_scoped(scope, || {
                    // A process that ends without reading all of it does nothing wrong.
                    let _ = feed(stream, stdin);
                })
                .context(|| "start a thread".into())?;
        }
        let end = receive(stream, output);
        // Whoever still feeds stops.
        let _ = stream.shutdown(std::net::Shutdown::Both);
        match end {
            Ok(Some(code)) => Ok(code),
            Ok(None) | Err(_) => Err(died()),
        }
    })
}

fn feed(mut stream: &UnixStream, stdin: &[u8]) -> io::Result<()> {
    for chunk in stdin.chunks(CHUNK) {
        Frame::Stdin(chunk.to_vec()).write(&mut stream)?;
    }
    Frame::StdinEnd.write(&mut stream)
}

fn receive(mut stream: &UnixStream, output: &Output<'_>) -> io::Result<Option<i32>> {
    while let Some(frame) = Frame::read(&mut stream)? {
        match frame {
            Frame::Stdout(bytes) => output(false, &bytes),
            Frame::Stderr(bytes) => output(true, &bytes),
            Frame::Exited(code) => return Ok(Some(code)),
            _ => {}
        }
    }
    Ok(None)
}
