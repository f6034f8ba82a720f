//! Answers the clients that connect to a running container's monitor.

use std::ffi::OsStr;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use rbox_timing::Part;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use super::hub::Joined;
use super::restart::Ender;
use super::supervise::Supervisor;
use crate::engine::failure::Failure;
use crate::engine::protocol::{Frame, Request, Streams};

/// A client that connects must say what it wants within this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long `kill -s KILL` waits for the end, as Docker does.
const KILL_WAIT: Duration = Duration::from_secs(10);

/// Serves one connection to its end.
pub async fn connection(supervisor: Rc<Supervisor>, stream: UnixStream) {
    let (mut reader, writer) = stream.into_split();
    let request = match timeout(PATIENCE, read_frame(&mut reader)).await {
        Ok(Ok(Some(Frame::Request(request)))) => request,
        _ => return,
    };
    let (request, traced) = match request {
        Request::Traced { trace, request } => {
            let joined = rbox_timing::join(OsStr::new(&trace), Part::Monitor);
            rbox_timing::mark("request read");
            (*request, joined.is_ok())
        }
        request => (request, false),
    };
    // A client that went away meanwhile does not need its answer.
    let _ = answer(supervisor.clone(), request, reader, writer).await;
    if traced {
        rbox_timing::mark("answered");
        // Its end belongs to the trace of who ended it.
        if !supervisor.is_over() {
            rbox_timing::leave();
        }
    }
}

async fn answer(
    supervisor: Rc<Supervisor>,
    request: Request,
    reader: OwnedReadHalf,
    mut writer: OwnedWriteHalf,
) -> io::Result<()> {
    match request {
        Request::Attach { streams } => {
            let joined = supervisor.hub.subscribe(streams);
            attached(supervisor, streams, joined, reader, writer).await
        }
        // Over already: hanging up says so.
        Request::Ping if supervisor.is_over() => Ok(()),
        Request::Ping => send(&mut writer, &Frame::Done).await,
        Request::Wait => tokio::select! {
            code = supervisor.hub.ended() => send(&mut writer, &Frame::Exited(code)).await,
            () = gone(reader) => Ok(()),
        },
        Request::Kill { signal } => {
            if let Err(failure) = supervisor.kill(signal) {
                return send(&mut writer, &Frame::Failed(failure)).await;
            }
            if signal == 9 {
                let _ = timeout(KILL_WAIT, supervisor.hub.ended()).await;
            }
            send(&mut writer, &Frame::Done).await
        }
        Request::Stop { signal, timeout } => {
            // What was begun is brought to its end, also when the client does not wait.
            let stop = supervisor.stop(signal, timeout, Ender::Hand);
            tokio::select! {
                code = stop => send(&mut writer, &Frame::Exited(code)).await,
                () = gone(reader), if timeout < 0 => Ok(()),
            }
        }
        Request::Connect { endpoint } => {
            let done = supervisor.connect(&endpoint);
            finish(&mut writer, done).await
        }
        Request::Disconnect { network } => {
            let done = supervisor.disconnect(&network);
            supervisor.ports_closed().await;
            finish(&mut writer, done).await
        }
        Request::Renamed => {
            let done = supervisor.renamed();
            finish(&mut writer, done).await
        }
        Request::Updated => {
            let done = supervisor.updated();
            finish(&mut writer, done).await
        }
        Request::SourceMoved => {
            let done = supervisor.source_moved();
            finish(&mut writer, done).await
        }
        Request::Reload => match supervisor.reload() {
            Ok(mended) => send(&mut writer, &Frame::Mended(mended)).await,
            Err(failure) => send(&mut writer, &Frame::Failed(failure)).await,
        },
        Request::Freeze => match supervisor.freeze() {
            // Over already: hanging up says so.
            Ok(None) => Ok(()),
            Ok(Some(frozen)) => {
                let sent = send(&mut writer, &Frame::Done).await;
                gone(reader).await;
                // Only then is the connection closed.
                drop(frozen);
                sent
            }
            Err(failure) => send(&mut writer, &Frame::Failed(failure)).await,
        },
        Request::Pause => {
            let done = supervisor.pause();
            finish(&mut writer, done).await
        }
        Request::Unpause => {
            let done = supervisor.unpause();
            finish(&mut writer, done).await
        }
        Request::AwaitHealth => tokio::select! {
            status = supervisor.health_settled() => send(&mut writer, &Frame::Health(status)).await,
            code = supervisor.hub.ended() => send(&mut writer, &Frame::Exited(code)).await,
            () = gone(reader) => Ok(()),
        },
        Request::Unlinked { alias } => {
            let done = supervisor.unlinked(&alias);
            finish(&mut writer, done).await
        }
        Request::Start { .. } | Request::Prepare(_) | Request::Traced { .. } => {
            let failure = Failure::new("the container is running already");
            send(&mut writer, &Frame::Failed(failure)).await
        }
    }
}

async fn finish(writer: &mut OwnedWriteHalf, result: Result<(), Failure>) -> io::Result<()> {
    match result {
        Ok(()) => send(writer, &Frame::Done).await,
        Err(failure) => send(writer, &Frame::Failed(failure)).await,
    }
}

/// Returns when a client that has nothing more to say closes its end.
async fn gone(mut reader: OwnedReadHalf) {
    let _ = reader.read(&mut [0u8; 1]).await;
}

/// Output to the client until this run of the container ends, the client's input to the
/// container. Over as soon as the client is gone, also when there is no output.
pub async fn attached(
    supervisor: Rc<Supervisor>,
    streams: Streams,
    mut joined: Joined,
    reader: OwnedReadHalf,
    mut writer: OwnedWriteHalf,
) -> io::Result<()> {
    let output = async {
        while let Some(frame) = joined.queue.recv().await {
            writer.write_all(&frame).await?;
        }
        let code = joined.run.ended().await;
        let sent = send(&mut writer, &Frame::Exited(code)).await;
        rbox_timing::mark("exit code sent");
        sent
    };
    let done = tokio::select! {
        done = output => done,
        () = listen(&supervisor, streams, reader) => Ok(()),
    };
    if streams.stdin {
        supervisor.hub.leave();
    }
    done
}

/// What an attached client sends.
async fn listen(supervisor: &Supervisor, streams: Streams, mut reader: OwnedReadHalf) {
    while let Ok(Some(frame)) = read_frame(&mut reader).await {
        match frame {
            Frame::Stdin(bytes) if streams.stdin => supervisor.hub.feed(&bytes).await,
            Frame::StdinEnd if streams.stdin => supervisor.hub.leave(),
            Frame::Resize(rows, columns) => supervisor.resize(rows, columns),
            Frame::Signal(signal) => {
                let _ = supervisor.kill(signal);
            }
            _ => break,
        }
    }
}

/// Writes one frame.
pub async fn send(writer: &mut OwnedWriteHalf, frame: &Frame) -> io::Result<()> {
    writer.write_all(&frame.encode()).await
}

async fn read_frame(reader: &mut OwnedReadHalf) -> io::Result<Option<Frame>> {
    let mut header = [0u8; 5];
    if reader.read(&mut header[..1]).await? == 0 {
        return Ok(None);
    }
    reader.read_exact(&mut header[1..]).await?;
    let mut payload = vec![0; Frame::payload_length(header)?];
    reader.read_exact(&mut payload).await?;
    Frame::decode(header, payload).map(Some)
}
