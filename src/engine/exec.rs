//! `exec`: another process in a running container. The client is its parent:
//! it feeds it, streams its output and reports its exit code.

mod prepared;

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rbox_runtime::{ExecProcess, FailureKind, Stdio};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{WaitId, WaitIdOptions, waitid};
use tokio::io::Interest;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use super::attach::{Input, read_input};
use super::detach::{DetachKeys, Typed};
use super::failure::{Context, Failure};
use super::fd_stream::{FdStream, watch};
use super::record::Record;
use super::terminal::{self, RawMode};
use super::{Engine, containers, event, names, spawn};
pub use prepared::{Prepared, refused, user_in};

/// What to run, and where.
#[derive(Clone, Debug, Default)]
pub struct ExecRequest {
    /// Name or id.
    pub container: String,
    /// Path and arguments.
    pub command: Vec<String>,
    /// `-i`.
    pub interactive: bool,
    /// `-t`.
    pub tty: bool,
    /// `-d`.
    pub detach: bool,
    /// `-u`.
    pub user: Option<String>,
    /// `-w`.
    pub workdir: Option<String>,
    /// `-e`, in order.
    pub env: Vec<(String, String)>,
    /// `--privileged`.
    pub privileged: bool,
    /// `--detach-keys`.
    pub detach_keys: String,
}

/// How long output may still come after the process has ended: something that
/// it left behind may hold its streams for ever.
const DRAIN: Duration = Duration::from_millis(500);

impl Engine {
    /// Runs the process; its exit code (0 when detached), or `None` when the user
    /// typed the detach keys.
    pub fn exec(&self, request: &ExecRequest) -> Result<Option<i32>, Failure> {
        let container = containers::find(&self.dirs, &request.container)?;
        let run = container.running()?;
        if run.paused {
            return Err(Failure::new(format!(
                "Container {} is paused, unpause the container before exec",
                request.container
            )));
        }
        rbox_timing::mark("container found");
        spawn::protect()?;
        let keys = DetachKeys::parse(&request.detach_keys)?;
        let prepared = Prepared::new(&self.dirs, &container.record, run, request)?;
        let (stdio, streams) = stdio(request)?;
        let told = Told::new(self, &container.record, request)?;
        told.of("exec_create", &[]);
        rbox_timing::mark("process prepared");
        let child = rbox_runtime::exec(prepared.request(stdio)).map_err(|error| {
            let code = match error.kind() {
                FailureKind::NotFound => 127,
                FailureKind::Denied | FailureKind::Other => 126,
            };
            refused(&error).code(if request.detach { 1 } else { code })
        })?;
        rbox_timing::mark("program executed");
        told.of("exec_start", &[]);
        if request.detach {
            return Ok(Some(0));
        }
        let end = stream(child, streams, request, keys)?;
        told.end(end);
        Ok(end)
    }
}

/// What is written down of one process.
struct Told<'a> {
    engine: &'a Engine,
    record: &'a Record,
    id: String,
    command: String,
}

impl<'a> Told<'a> {
    fn new(
        engine: &'a Engine,
        record: &'a Record,
        request: &ExecRequest,
    ) -> Result<Told<'a>, Failure> {
        Ok(Told {
            engine,
            record,
            id: names::new_id()?,
            command: request.command.join(" "),
        })
    }

    fn of(&self, what: &str, attributes: &[(&str, &str)]) {
        let action = match what {
            "exec_create" | "exec_start" => format!("{what}: {}", self.command),
            _ => what.to_owned(),
        };
        let mut all = vec![("execID", self.id.as_str())];
        all.extend(attributes);
        event::of_container(&self.engine.dirs, &action, self.record, &all);
    }

    fn end(&self, code: Option<i32>) {
        match code {
            Some(code) => self.of("exec_die", &[("exitCode", &code.to_string())]),
            None => self.of("exec_detach", &[]),
        }
    }
}

/// Our ends of the process's streams.
#[derive(Default)]
struct Streams {
    stdin: Option<OwnedFd>,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
}

/// Pipes, never our own descriptors: through those a process in the container
/// could reopen a file of the host.
fn stdio(request: &ExecRequest) -> Result<(Stdio, Streams), Failure> {
    if request.tty {
        let (rows, cols) = terminal::size().unwrap_or((0, 0));
        return Ok((Stdio::Terminal { rows, cols }, Streams::default()));
    }
    let pipe = || pipe_with(PipeFlags::CLOEXEC).context(|| "make a pipe".into());
    let null = |write: bool| {
        std::fs::OpenOptions::new()
            .read(!write)
            .write(write)
            .open("/dev/null")
            .map(OwnedFd::from)
            .context(|| "open /dev/null".into())
    };
    let mut streams = Streams::default();
    let stdin = if request.interactive && !request.detach {
        let (read, write) = pipe()?;
        streams.stdin = Some(write);
        read
    } else {
        null(false)?
    };
    let (stdout, stderr) = if request.detach {
        (null(true)?, null(true)?)
    } else {
        let (out_read, out_write) = pipe()?;
        let (err_read, err_write) = pipe()?;
        streams.stdout = Some(out_read);
        streams.stderr = Some(err_read);
        (out_write, err_write)
    };
    Ok((
        Stdio::Fds {
            stdin,
            stdout,
            stderr,
        },
        streams,
    ))
}

fn stream(
    child: ExecProcess,
    streams: Streams,
    request: &ExecRequest,
    keys: DetachKeys,
) -> Result<Option<i32>, Failure> {
    let raw = match request.tty && request.interactive {
        true => RawMode::enter().context(|| "set the terminal to raw mode".into())?,
        false => None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context(|| "start the event loop".into())?;
    let result = runtime.block_on(pump(child, streams, request, keys));
    // The thread that reads our stdin may be blocked for ever.
    runtime.shutdown_background();
    drop(raw);
    result.context(|| format!("stream a process in {}", request.container))
}

async fn pump(
    child: ExecProcess,
    streams: Streams,
    request: &ExecRequest,
    mut keys: DetachKeys,
) -> io::Result<Option<i32>> {
    let open = |fd: Option<OwnedFd>| fd.map(FdStream::new).transpose();
    let console = open(child.console)?;
    let stdin = open(streams.stdin)?;
    let stdout = open(streams.stdout)?;
    let stderr = open(streams.stderr)?;
    let ended = watch(child.pidfd, Interest::READABLE)?;
    let output = async {
        tokio::join!(
            copy(console.as_ref(), io::stdout()),
            copy(stdout.as_ref(), io::stdout()),
            copy(stderr.as_ref(), io::stderr()),
        );
    };
    let feed = async {
        let mut input = request.interactive.then(read_input);
        let mut stdin = stdin;
        while let Some(receiver) = &mut input {
            match receiver.recv().await {
                Some(Input::Bytes(bytes)) => {
                    let (pass, detach) = match request.tty {
                        true => {
                            let Typed { pass, detach } = keys.typed(&bytes);
                            (pass, detach)
                        }
                        false => (bytes, false),
                    };
                    if let Some(target) = console.as_ref().or(stdin.as_ref()) {
                        let _ = target.write_all(&pass).await;
                    }
                    if detach {
                        return;
                    }
                }
                Some(Input::End) | None => {
                    stdin = None;
                    input = None;
                }
            }
        }
        drop(stdin);
        std::future::pending().await
    };
    let resize = async {
        if let (Some(console), Ok(mut changed)) = (&console, signal(SignalKind::window_change())) {
            while changed.recv().await.is_some() {
                if let Some((rows, columns)) = terminal::size() {
                    console.resize(rows, columns);
                }
            }
        }
        std::future::pending::<()>().await
    };
    tokio::pin!(output);
    let mut drained = false;
    let exit = async {
        loop {
            tokio::select! {
                () = &mut output, if !drained => drained = true,
                ready = ended.readable() => break ready.map(|_| ()),
            }
        }
    };
    tokio::select! {
        result = exit => result?,
        () = feed => return Ok(None),
        () = resize => {}
    }
    rbox_timing::mark("process ended");
    let status = waitid(
        WaitId::PidFd(std::os::fd::AsFd::as_fd(ended.get_ref())),
        WaitIdOptions::EXITED,
    )?;
    if !drained {
        let _ = timeout(DRAIN, output).await;
    }
    Ok(Some(status.map_or(1, |status| {
        let number = |value: Option<i32>| value.unwrap_or(0);
        match status.exit_status() {
            Some(code) => code,
            None => 128 + number(status.terminating_signal()),
        }
    })))
}

async fn copy(from: Option<&FdStream>, mut to: impl Write) {
    let Some(from) = from else { return };
    while let Ok(bytes) = from.read().await {
        if bytes.is_empty() || to.write_all(&bytes).and_then(|()| to.flush()).is_err() {
            return;
        }
    }
}
