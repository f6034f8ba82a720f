//! The client's side of an attached container: its streams to ours, our
//! terminal, input, size and signals to it.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream as StdStream;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::claim::is_running;
use super::connection;
use super::detach::{DetachKeys, Typed};
use super::failure::{Context, Failure};
use super::logs::LogStream;
use super::protocol::{Frame, Request, Streams};
use super::record::Record;
use super::terminal::{self, RawMode};
use super::{Engine, containers, event};

/// How a client is attached.
#[derive(Clone, Debug, Default)]
pub struct AttachOptions {
    /// Which streams.
    pub streams: Streams,
    /// `--detach-keys`; empty is Docker's ctrl-p,ctrl-q.
    pub detach_keys: String,
    /// Pass signals on.
    pub sig_proxy: bool,
}

/// How an attached client came loose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachEnd {
    /// The container ended with this code.
    Exited(i32),
    /// The user typed the detach keys.
    Detached,
}

impl Engine {
    /// Joins a running container's streams.
    pub fn attach(&self, name: &str, options: &AttachOptions) -> Result<AttachEnd, Failure> {
        let container = containers::find(&self.dirs, name)?;
        let not_running =
            || Failure::new("You cannot attach to a stopped container, start it first");
        if container.run.is_none() {
            return Err(not_running());
        }
        if container.run.as_ref().is_some_and(|run| run.paused) {
            return Err(Failure::new(
                "You cannot attach to a paused container, unpause it first",
            ));
        }
        if container.running().is_err() {
            return Err(Failure::new(
                "You cannot attach to a restarting container, wait until it is running",
            ));
        }
        let id = &container.record.id;
        let mut options = options.clone();
        options.streams.stdin &= container.record.config.open_stdin;
        let request = Request::Attach {
            streams: options.streams,
        };
        let stream = connection::request(&self.dirs, id, request)?.ok_or_else(not_running)?;
        event::of_container(&self.dirs, "attach", &container.record, &[]);
        let end = stream_to_end(stream, id, container.record.config.tty, &options);
        self.streamed(&container.record, end)
    }

    /// Calls `out` with all that a running container writes from now on, until it ends, or its
    /// monitor does; at once where it does not run.
    pub fn attach_output(
        &self,
        name: &str,
        out: &mut dyn FnMut(LogStream, &[u8]),
    ) -> Result<(), Failure> {
        let id = containers::find(&self.dirs, name)?.record.id;
        let streams = Streams {
            stdin: false,
            stdout: true,
            stderr: true,
        };
        let Some(mut stream) = connection::request(&self.dirs, &id, Request::Attach { streams })?
        else {
            return Ok(());
        };
        loop {
            match Frame::read(&mut stream) {
                Ok(Some(Frame::Stdout(bytes))) => out(LogStream::Stdout, &bytes),
                Ok(Some(Frame::Stderr(bytes))) => out(LogStream::Stderr, &bytes),
                Ok(Some(Frame::Exited(_)) | None) | Err(_) => return Ok(()),
                Ok(Some(_)) => {}
            }
        }
    }

    /// Where the stream broke off because the monitor died, what it left is undone.
    pub(super) fn streamed(
        &self,
        record: &Record,
        end: Result<AttachEnd, Failure>,
    ) -> Result<AttachEnd, Failure> {
        match end {
            Err(_) => {
                is_running(&self.dirs, &record.id)?;
            }
            Ok(AttachEnd::Detached) => event::of_container(&self.dirs, "detach", record, &[]),
            Ok(AttachEnd::Exited(_)) => {}
        }
        end
    }
}

use stream as stream_to_end;

/// Serves an attached connection until the container ends or the user detaches.
pub fn stream(
    stream: StdStream,
    id: &str,
    tty: bool,
    options: &AttachOptions,
) -> Result<AttachEnd, Failure> {
    let keys = DetachKeys::parse(&options.detach_keys)?;
    let raw = match tty && options.streams.stdin {
        true => RawMode::enter().context(|| "set the terminal to raw mode".into())?,
        false => None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context(|| "start the event loop".into())?;
    let result = runtime.block_on(async {
        stream.set_nonblocking(true)?;
        let stream = UnixStream::from_std(stream)?;
        serve(stream, tty, options, keys).await
    });
    rbox_timing::mark("heard how it ended");
    // The thread that reads our stdin may be blocked for ever.
    runtime.shutdown_background();
    drop(raw);
    result.context(|| format!("stream container {id}"))
}

/// What the input thread sends.
pub enum Input {
    /// Typed or piped.
    Bytes(Vec<u8>),
    /// No more.
    End,
}

async fn serve(
    stream: UnixStream,
    tty: bool,
    options: &AttachOptions,
    mut keys: DetachKeys,
) -> io::Result<AttachEnd> {
    let (mut reader, mut writer) = stream.into_split();
    let mut input = options.streams.stdin.then(read_input);
    let mut signals = if options.sig_proxy && !tty {
        Some(forwarded()?)
    } else {
        None
    };
    let mut resized = signal(SignalKind::window_change())?;
    if tty {
        send_size(&mut writer).await?;
    }
    let mut header = [0u8; 5];
    let mut received = 0;
    loop {
        tokio::select! {
            count = reader.read(&mut header[received..]) => {
                let count = count?;
                if count == 0 {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "its monitor went away"));
                }
                received += count;
                if received < header.len() {
                    continue;
                }
                received = 0;
                let mut payload = vec![0; Frame::payload_length(header)?];
                reader.read_exact(&mut payload).await?;
                match Frame::decode(header, payload)? {
                    Frame::Stdout(bytes) => print(&mut io::stdout(), &bytes),
                    Frame::Stderr(bytes) => print(&mut io::stderr(), &bytes),
                    Frame::Exited(code) => return Ok(AttachEnd::Exited(code)),
                    _ => {}
                }
            }
            typed = next(&mut input) => match typed {
                Some(Input::Bytes(bytes)) => {
                    let Typed { pass, detach } = if tty {
                        keys.typed(&bytes)
                    } else {
                        Typed { pass: bytes, detach: false }
                    };
                    if !pass.is_empty() {
                        // The container may have ended already: its exit code follows.
                        let _ = writer.write_all(&Frame::Stdin(pass).encode()).await;
                    }
                    if detach {
                        return Ok(AttachEnd::Detached);
                    }
                }
                Some(Input::End) | None => {
                    input = None;
                    let _ = writer.write_all(&Frame::StdinEnd.encode()).await;
                }
            },
            number = next_signal(&mut signals) => {
                if let Some(number) = number {
                    let _ = writer.write_all(&Frame::Signal(number).encode()).await;
                }
            }
            _ = resized.recv(), if tty => send_size(&mut writer).await?,
        }
    }
}

/// A reader that has gone (a closed pager) must not stop the container.
fn print(out: &mut impl Write, bytes: &[u8]) {
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

async fn send_size(writer: &mut OwnedWriteHalf) -> io::Result<()> {
    if let Some((rows, columns)) = terminal::size() {
        let _ = writer
            .write_all(&Frame::Resize(rows, columns).encode())
            .await;
    }
    Ok(())
}

async fn next(input: &mut Option<mpsc::Receiver<Input>>) -> Option<Input> {
    match input {
        Some(input) => input.recv().await,
        None => std::future::pending().await,
    }
}

async fn next_signal(signals: &mut Option<mpsc::Receiver<i32>>) -> Option<i32> {
    match signals {
        Some(signals) => signals.recv().await,
        None => std::future::pending().await,
    }
}

/// Our stdin, read by a thread: it may be a file or a terminal, which an event
/// loop cannot wait for.
pub fn read_input() -> mpsc::Receiver<Input> {
    let (sender, receiver) = mpsc::channel(4);
    std::thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        let mut buffer = vec![0; 16 * 1024];
        loop {
            match stdin.read(&mut buffer) {
                Ok(0) | Err(_) => {
                    let _ = sender.blocking_send(Input::End);
                    return;
                }
                Ok(count) => {
                    if sender
                        .blocking_send(Input::Bytes(buffer[..count].to_vec()))
                        .is_err()
                    {
                        return;
                    }
                }
            }
        }
    });
    receiver
}

/// Signals that a foreground `run` passes on to the container: all that can be
/// caught but those about our own children, pipes and terminal.
const PASSED: [i32; 16] = [1, 2, 3, 6, 10, 12, 14, 15, 18, 24, 25, 26, 27, 29, 30, 31];

fn forwarded() -> io::Result<mpsc::Receiver<i32>> {
    let (sender, receiver) = mpsc::channel(8);
    for number in PASSED {
        let mut caught = signal(SignalKind::from_raw(number))?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while caught.recv().await.is_some() {
                if sender.send(number).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(receiver)
}
