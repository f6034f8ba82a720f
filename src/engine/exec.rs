//! `exec`: another process in a running container. The client is its parent:
//! it feeds it, streams its output and reports its exit code.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use oci_spec::runtime::{Process, Spec};
use rbox_runtime::cgroup::Cgroup;
use rbox_runtime::container::{State, Status};
use rbox_runtime::process::user::{ResolvedUser, resolve_user};
use rbox_runtime::rootfs::in_root;
use rbox_runtime::security::capabilities;
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
use super::record::{Container, Record, RunState};
use super::terminal::{self, RawMode};
use super::{Engine, containers, create, event, json_file, links, lower, names, spawn};

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

/// Largest passwd or group file that is read from a container, bytes.
pub const LARGEST_FILE: usize = 1 << 20;

impl Engine {
    /// Runs the process; its exit code (0 when detached), or `None` when the user
    /// typed the detach keys.
    pub fn exec(&self, request: &ExecRequest) -> Result<Option<i32>, Failure> {
        let container = containers::find(&self.dirs, &request.container)?;
        let id = &container.record.id;
        let Some(run) = &container.run else {
            return Err(Failure::new(format!("container {id} is not running")));
        };
        spawn::protect()?;
        let keys = DetachKeys::parse(&request.detach_keys)?;
        let bundle = self.dirs.run(id).join("bundle");
        let path = bundle.join("config.json");
        let spec: Spec = json_file::read(&path)
            .context(|| format!("read {}", path.display()))?
            .ok_or_else(|| Failure::new(format!("container {id} is not running")))?;
        // As Docker: nothing runs in a container whose links lead nowhere.
        let links = links::resolve(&self.dirs, &container.record)?;
        let process = process(&container, run, &spec, request, &links.env)?;
        let seccomp = spec
            .linux()
            .as_ref()
            .and_then(|linux| linux.seccomp().clone());
        let cgroup = Cgroup::open(&run.cgroup).context(|| format!("open the cgroup of {id}"))?;
        let (stdio, streams) = stdio(request)?;
        let told = Told::new(self, &container.record, request)?;
        told.of("exec_create", &[]);
        let started = rbox_runtime::exec(rbox_runtime::ExecRequest {
            linux: spec.linux().as_ref(),
            state: Some(State::new(id, &bundle, &spec, Status::Running, run.pid)),
            seccomp: seccomp.as_ref().filter(|_| !request.privileged),
            ..rbox_runtime::ExecRequest::new(run.pid, &cgroup, &process, stdio)
        });
        let child = started.map_err(|error| {
            let code = match error.kind() {
                FailureKind::NotFound => 127,
                FailureKind::Denied | FailureKind::Other => 126,
            };
            Failure::new(format!(
                "OCI runtime exec failed: exec failed: unable to start container process: {error}: \
                 unknown"
            ))
            .code(if request.detach { 1 } else { code })
        })?;
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

/// The container's own process settings with the request's over them.
fn process(
    container: &Container,
    run: &RunState,
    spec: &Spec,
    request: &ExecRequest,
    link_env: &[String],
) -> Result<Process, Failure> {
    let record = &container.record;
    let mut process = spec.process().clone().unwrap_or_default();
    process
        .set_terminal(Some(request.tty))
        .set_args(Some(request.command.clone()));
    let mut env = process.env().clone().unwrap_or_default();
    // The sources may be elsewhere by now; what the user set stays.
    let set = |name: &str| {
        let own = |entry: &String| entry.split_once('=').is_some_and(|(key, _)| key == name);
        record.config.env.iter().any(own)
    };
    for (name, value) in link_env.iter().filter_map(|entry| entry.split_once('=')) {
        if !set(name) {
            create::set_env(&mut env, name, value);
        }
    }
    let given_home = has_home(&record.config.env);
    // Docker's order: what the request sets comes before the user's HOME.
    let mut home = match env.iter().position(|entry| entry.starts_with("HOME=")) {
        Some(at) if !given_home => Some(env.remove(at)),
        _ => None,
    };
    if request.tty && !env.iter().any(|entry| entry.starts_with("TERM=")) {
        env.push("TERM=xterm".to_owned());
    }
    if let Some(user) = &request.user {
        let resolved = look_up(run.pid, user, &record.host.group_add)?;
        process.set_user(lower::user(&resolved));
        home = home.map(|_| format!("HOME={}", resolved.home));
    }
    for (name, value) in &request.env {
        create::set_env(&mut env, name, value);
    }
    if !has_home(&env) {
        env.extend(home);
    }
    process.set_env(Some(env));
    if let Some(workdir) = &request.workdir {
        process.set_cwd(PathBuf::from(workdir));
    }
    let available = capabilities::available();
    let granted = if request.privileged {
        available
    } else {
        lower::granted(&record.host, &available)?
    };
    process.set_capabilities(Some(lower::capability_sets(&granted, process.user().uid())));
    Ok(process)
}

fn has_home(env: &[String]) -> bool {
    env.iter().any(|entry| entry.starts_with("HOME="))
}

/// A user by the container's own passwd and group files, which may be hostile.
fn look_up(pid: i32, user: &str, additional: &[String]) -> Result<ResolvedUser, Failure> {
    let root = std::fs::File::open(format!("/proc/{pid}/root"))
        .context(|| "open the container's root".into())?;
    user_in(&root, user, additional)
}

/// A user by the passwd and group files below `root`.
pub fn user_in(
    root: &impl std::os::fd::AsFd,
    user: &str,
    additional: &[String],
) -> Result<ResolvedUser, Failure> {
    let file = |path: &str| in_root::read(root.as_fd(), path, LARGEST_FILE).ok();
    let passwd = file("etc/passwd");
    let group = file("etc/group");
    resolve_user(user, passwd.as_deref(), group.as_deref(), additional)
        .map_err(|error| Failure::new(error.to_string()))
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
