//! The monitor's life while the container runs: streams, clients, the
//! resolver, published ports, and finally the exit code.
//!
//! ```text
//!   container ──stdout/stderr/terminal──▶ Hub ──▶ log, attached clients
//!   clients ──stdin, signals, requests──▶ Supervisor ──▶ container, network
//!   pidfd readable ──▶ drain output ──▶ release ──▶ tell the clients ──▶ tear down
//!                                          └─▶ or start it again (restart.rs)
//! ```

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdStream;
use std::rc::Rc;
use std::time::Duration;

use rbox_netsetup::model::endpoint::EndpointConfig;
use rustix::process::{WaitId, WaitIdOptions, waitid};
use tokio::io::Interest;
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch::Sender as Watched;
use tokio::task::{JoinHandle, LocalSet, spawn_local};
use tokio::time::timeout;

use super::freeze::Stillness;
use super::health;
use super::hub::Hub;
use super::log_file::{LogFile, Stream as Kind, rotation};
use super::restart::{self, Ender, Restarts};
use super::serve;
use super::start::{Asked, Live, Phase};
use super::teardown;
use crate::engine::dirs;
use crate::engine::failure::{Context, Failure};
use crate::engine::fd_stream::{FdStream, watch};
use crate::engine::links;
use crate::engine::protocol::{Frame, Streams};
use crate::engine::record::HealthStatus;
use crate::engine::signals;

/// How long output may still come after the container's init has ended, and
/// how long a client may take to receive it.
pub(super) const DRAIN: Duration = Duration::from_secs(2);

/// Seconds a container has to end after its monitor was asked to end, unless it has its own.
const SHUTDOWN: i64 = 10;

/// What the tasks of one monitor share; they all run on one thread.
pub struct Supervisor {
    /// Streams and the exit code.
    pub hub: Rc<Hub>,
    pub(super) live: RefCell<Live>,
    pub(super) restarts: RefCell<Restarts>,
    clients: RefCell<Vec<JoinHandle<()>>>,
    pub(super) stillness: RefCell<Stillness>,
    /// How the container's health is, for those who wait for it.
    pub(super) health: Watched<Option<HealthStatus>>,
}

impl Supervisor {
    /// A person's signal to the container's init. One that is to end it also ends its restarts,
    /// and is enough between two runs.
    pub fn kill(&self, signal: i32) -> Result<(), Failure> {
        let live = self.live.borrow();
        let end = restart::is_final(signal, live.record.config.stop_signal.as_deref());
        if end {
            self.restarts.borrow().call_off(Ender::Hand);
        }
        if live.phase == Phase::Rests {
            return if end {
                Ok(())
            } else {
                Err(Failure::restarting(&live.record.id))
            };
        }
        drop(live);
        self.signal(signal)
            .context(|| format!("send signal {signal}"))
    }

    /// One that is to end it also ends a pause.
    fn signal(&self, signal: i32) -> io::Result<()> {
        let live = self.live.borrow();
        rbox_runtime::process::signal::send(live.running.pidfd.as_fd(), signal)?;
        live.was_signalled(signal);
        drop(live);
        match self.is_to_end(signal) {
            true => self
                .resume()
                .map_err(|failure| io::Error::other(failure.message)),
            false => Ok(()),
        }
    }

    /// Gives its terminal another size.
    pub fn resize(&self, rows: u16, columns: u16) {
        self.hub.resize(rows, columns);
        self.live.borrow().was_resized(rows, columns);
    }

    /// As Docker: any signal, unless the container has one of its own for that.
    fn is_to_end(&self, signal: i32) -> bool {
        let live = self.live.borrow();
        let own = live.record.config.stop_signal.as_deref();
        signal == 9 || own.is_none_or(|own| signals::parse(own) == Some(signal))
    }

    /// Whether the container's process has ended or is about to.
    pub(super) fn is_ending(&self) -> bool {
        let live = self.live.borrow();
        let pid = live.running.pid;
        live.phase != Phase::Runs
            || rbox_runtime::process::signal::send(live.running.pidfd.as_fd(), 0).is_err()
            // What it executed is given up before the kernel kills the rest of the namespace.
            || std::fs::read_link(format!("/proc/{pid}/exe")).is_err()
    }

    /// Full id, of one that runs.
    pub(super) fn running_id(&self) -> Result<String, Failure> {
        let live = self.live.borrow();
        let id = live.record.id.clone();
        match live.phase {
            Phase::Runs => Ok(id),
            Phase::Rests => Err(Failure::restarting(&id)),
            Phase::Over => Err(Failure::new(format!("container {id} is not running"))),
        }
    }

    /// The container's control group.
    pub(super) fn cgroup(&self) -> rbox_runtime::cgroup::Cgroup {
        self.live.borrow().running.cgroup.clone()
    }

    /// Ends it for good: signals, then kills when it has not ended within `seconds` (negative:
    /// never).
    pub async fn stop(&self, signal: i32, seconds: i64, ender: Ender) -> i32 {
        self.restarts.borrow().call_off(ender);
        let _ = self.signal(signal);
        if let Ok(seconds) = u64::try_from(seconds) {
            if let Ok(code) = timeout(Duration::from_secs(seconds), self.hub.ended()).await {
                return code;
            }
            let _ = self.signal(9);
        }
        self.hub.ended().await
    }

    /// Whether there is no process, for good or until the next restart.
    pub fn has_ended(&self) -> bool {
        self.live.borrow().phase != Phase::Runs
    }

    /// Whether the container has ended for good and what it had is given back.
    pub fn is_over(&self) -> bool {
        self.live.borrow().phase == Phase::Over
    }

    /// `network connect`.
    pub fn connect(&self, endpoint: &EndpointConfig) -> Result<(), Failure> {
        self.change(|live| live.network.connect(&live.engine, &live.record, endpoint))
    }

    /// `network disconnect`.
    pub fn disconnect(&self, name: &str) -> Result<(), Failure> {
        self.change(|live| live.network.disconnect(&live.engine, &live.record, name))
    }

    /// Ports that a disconnect gave up are free, for whoever connects or starts next.
    pub async fn ports_closed(&self) {
        let relay = self.live.borrow_mut().network.closing_relay();
        if let Some(relay) = relay {
            let _ = timeout(DRAIN, relay).await;
        }
    }

    /// `rename`: the record on disk has a new name.
    pub fn renamed(&self) -> Result<(), Failure> {
        if self.live.borrow().phase == Phase::Rests {
            // The next run reads it.
            return Ok(());
        }
        self.change(|live| {
            let dir = live.engine.dirs.container(&live.record.id);
            if let Some(record) = crate::engine::containers::read_record(&dir)? {
                live.record.name = record.name;
            }
            live.network.renamed(&live.record)
        })
    }

    /// `network reload`: the names of what was mended. Nothing for one that has ended.
    pub fn reload(&self) -> Result<Vec<String>, Failure> {
        let mut live = self.live.borrow_mut();
        if live.phase != Phase::Runs {
            return Ok(Vec::new());
        }
        let Live {
            network, record, ..
        } = &mut *live;
        network.reload(record)
    }

    /// A container that this one links to may have another address.
    pub fn source_moved(&self) -> Result<(), Failure> {
        let live = self.live.borrow();
        if live.phase == Phase::Rests {
            return Ok(());
        }
        super::live_network::relink(&live.engine, &live.record)
    }

    /// `rm --link`.
    pub fn unlinked(&self, alias: &str) -> Result<(), Failure> {
        let mut live = self.live.borrow_mut();
        if live.phase == Phase::Rests {
            return Err(Failure::restarting(&live.record.id));
        }
        let links = &mut live.record.host.links;
        let Some(at) = links.iter().position(|link| links::parts(link).1 == alias) else {
            return Ok(());
        };
        let link = links.remove(at);
        super::live_network::unlink(&live.engine, &live.record, &link)
    }

    /// Changes the sandbox and writes down what it is then, also after a failure.
    fn change(&self, act: impl FnOnce(&mut Live) -> Result<(), Failure>) -> Result<(), Failure> {
        self.running_id()?;
        let mut live = self.live.borrow_mut();
        let done = act(&mut live);
        let written = teardown::write_run_state(&live)
            .context(|| format!("write the state of container {}", live.record.id));
        done.and(written)
    }
}

/// The client that started the container.
pub struct First {
    /// To it.
    pub stream: StdStream,
    /// What it wants to receive and feed.
    pub attach: Option<Streams>,
    /// The container does not outlive it.
    pub bound: bool,
}

/// Runs until the container has ended for good and everything is undone.
pub fn run(live: Live, client: First, asked: &Asked) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context(|| "start the event loop".into())?;
    let tasks = LocalSet::new();
    let mut live = tasks.block_on(&runtime, supervise(live, client, asked))?;
    drop(tasks);
    drop(runtime);
    rbox_timing::mark("event loop ended");
    teardown::finish(&mut live);
    Ok(())
}

async fn supervise(mut live: Live, client: First, asked: &Asked) -> Result<Live, Failure> {
    let (input, mut sources) = streams(&mut live)?;
    let hub = hub(&live, input);
    let listener = live.listener.take();
    live.serve();
    let supervisor = Rc::new(Supervisor {
        hub: hub.clone(),
        health: Watched::new(live.health.as_ref().map(|health| health.status)),
        live: RefCell::new(live),
        restarts: RefCell::new(Restarts::new()),
        clients: RefCell::default(),
        stillness: RefCell::default(),
    });
    let First {
        stream,
        attach,
        bound,
    } = client;
    stream
        .set_nonblocking(true)
        .context(|| "talk to the client".into())?;
    let stream = UnixStream::from_std(stream).context(|| "talk to the client".into())?;
    // Subscribed before the first byte is read: the client misses nothing.
    let of_the_client = first_client(supervisor.clone(), stream, attach);
    let keeper = bound.then(|| supervisor.clone());
    let mut first = spawn_local(async move {
        of_the_client.await;
        // The client is gone, or has heard how it ended.
        if let Some(supervisor) = keeper {
            let _ = supervisor.kill(9);
        }
    });
    tokio::task::yield_now().await;
    let pumps = pump(&hub, sources);
    let accept = spawn_local(accept(supervisor.clone(), listener));
    let shutdown = spawn_local(shutdown(supervisor.clone()));
    let mut probes = health::begin(&supervisor);
    let mut code = end_of_run(&supervisor, pumps).await?;
    let code = loop {
        match restart::after(&supervisor, code, asked).await? {
            Ok(next) => sources = next,
            Err(code) => break code,
        }
        let pumps = pump(&hub, sources);
        if let Some(ended) = std::mem::replace(&mut probes, health::begin(&supervisor)) {
            ended.abort();
        }
        code = end_of_run(&supervisor, pumps).await?;
    };
    hub.end(code);
    accept.abort();
    shutdown.abort();
    if let Some(mut probes) = probes {
        let _ = timeout(DRAIN, &mut probes).await;
        probes.abort();
    }
    let _ = timeout(DRAIN, &mut first).await;
    first.abort();
    for mut client in supervisor.clients.take() {
        let _ = timeout(DRAIN, &mut client).await;
        client.abort();
    }
    // The aborted tasks let go of their share when they are polled once more.
    let mut supervisor = supervisor;
    loop {
        match Rc::try_unwrap(supervisor) {
            Ok(alone) => return Ok(alone.live.into_inner()),
            Err(shared) => supervisor = shared,
        }
        tokio::task::yield_now().await;
    }
}

type Pumps = Vec<JoinHandle<()>>;

fn pump(hub: &Rc<Hub>, sources: Sources) -> Pumps {
    sources
        .into_iter()
        .map(|(source, kind)| spawn_local(hub.clone().pump(source, kind)))
        .collect()
}

/// Waits until the process has ended and its output is taken: the exit code.
async fn end_of_run(supervisor: &Supervisor, pumps: Pumps) -> Result<i32, Failure> {
    let pidfd = supervisor
        .live
        .borrow()
        .running
        .pidfd
        .try_clone()
        .context(|| "watch the container's process".into())?;
    let code = exit_code(pidfd).await?;
    for mut pump in pumps {
        if timeout(DRAIN, &mut pump).await.is_err() {
            pump.abort();
        }
    }
    rbox_timing::mark("output drained");
    Ok(code)
}

/// Where the container's output comes from.
pub(super) type Sources = Vec<(Rc<FdStream>, Kind)>;

/// Takes over our ends of a run's streams: the one that is fed, and those that are read.
pub(super) fn streams(live: &mut Live) -> Result<(Option<Rc<FdStream>>, Sources), Failure> {
    let open = |fd: Option<OwnedFd>| -> Result<Option<Rc<FdStream>>, Failure> {
        fd.map(FdStream::new)
            .transpose()
            .map(|stream| stream.map(Rc::new))
            .context(|| "watch the container's streams".into())
    };
    let console = open(live.streams.console.take())?;
    let input = match &console {
        Some(console) => Some(console.clone()),
        None => open(live.streams.stdin.take())?,
    };
    let sources = [
        (console, Kind::Stdout),
        (open(live.streams.stdout.take())?, Kind::Stdout),
        (open(live.streams.stderr.take())?, Kind::Stderr),
    ];
    let sources = sources
        .into_iter()
        .filter_map(|(source, kind)| Some((source?, kind)))
        .collect();
    Ok((input, sources))
}

fn hub(live: &Live, input: Option<Rc<FdStream>>) -> Rc<Hub> {
    let record = &live.record;
    let log = (record.host.log_driver != "none").then(|| {
        let path = dirs::log_path(&live.engine.dirs.container(&record.id), &record.id);
        let (size, files) = rotation(&record.host.log_opts);
        LogFile::new(&path, size, files)
    });
    Hub::new(log, input, record.config.tty, record.config.stdin_once)
}

/// The client that started the container: it hears `started` first.
async fn first_client(supervisor: Rc<Supervisor>, client: UnixStream, attach: Option<Streams>) {
    let (reader, mut writer) = client.into_split();
    let joined = attach.map(|streams| supervisor.hub.subscribe(streams));
    let notices = {
        let mut live = supervisor.live.borrow_mut();
        let Live {
            network,
            engine,
            record,
            ..
        } = &mut *live;
        network.notices(&engine.dirs, &record.id)
    };
    for frame in notices
        .into_iter()
        .map(Frame::Notice)
        .chain([Frame::Started])
    {
        if serve::send(&mut writer, &frame).await.is_err() {
            return;
        }
    }
    rbox_timing::mark("client told that it runs");
    if let (Some(streams), Some(joined)) = (attach, joined) {
        let _ = serve::attached(supervisor.clone(), streams, joined, reader, writer).await;
    }
    if !supervisor.is_over() {
        rbox_timing::leave();
    }
}

/// Takes clients until aborted.
async fn accept(supervisor: Rc<Supervisor>, listener: Option<std::os::unix::net::UnixListener>) {
    let listener = listener.and_then(|listener| {
        listener.set_nonblocking(true).ok()?;
        UnixListener::from_std(listener).ok()
    });
    let Some(listener) = listener else { return };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let task = spawn_local(serve::connection(supervisor.clone(), stream));
                let mut clients = supervisor.clients.borrow_mut();
                clients.retain(|client| !client.is_finished());
                clients.push(task);
            }
            // Out of descriptors: some of those that are there must end first.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// The monitor is asked to end (the machine shuts down): so is the container.
async fn shutdown(supervisor: Rc<Supervisor>) {
    let Ok(mut terminated) = signal(SignalKind::terminate()) else {
        return;
    };
    while terminated.recv().await.is_some() {
        let (signal, seconds) = {
            let config = &supervisor.live.borrow().record.config;
            let own = config.stop_signal.as_deref().and_then(signals::parse);
            (own.unwrap_or(15), config.stop_timeout.unwrap_or(SHUTDOWN))
        };
        supervisor.stop(signal, seconds, Ender::Machine).await;
    }
}

/// Waits for the process; 128 and the signal where one ended it.
async fn exit_code(pidfd: OwnedFd) -> Result<i32, Failure> {
    let what = || "wait for the container's process".to_owned();
    let watched = pidfd.try_clone().context(what)?;
    let ended = watch(watched, Interest::READABLE).context(what)?;
    let _ready = ended.readable().await.context(what)?;
    let status = waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED).context(what)?;
    rbox_timing::mark("process ended");
    Ok(status.map_or(255, |status| {
        status
            .exit_status()
            .unwrap_or_else(|| 128 + status.terminating_signal().unwrap_or(0))
    }))
}
