//! `capture`: interfaces of a container or a network, listened to until something ends it.
//!
//! ```text
//!  target ─▶ namespace and interfaces ─▶ a ring each ─┬─ packets ─▶ sink
//!  signal, time, count, end of the container ─────────┴─▶ the rest, statistics
//! ```

mod target;

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rbox_netsetup::capture::{Interface, Packet, RETIRE, Ring, Statistics};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{SignalKind, signal};

use super::failure::{Context, Failure};
use super::fd_stream;

/// How often an interface that went down is looked at: whether it is there still.
const LOOK: Duration = Duration::from_millis(200);

/// An interface that is listened to.
#[derive(Debug)]
struct Tap {
    interface: Interface,
    /// `None` once the interface is gone.
    ring: Option<Ring>,
    statistics: Statistics,
}

/// Interfaces that are listened to, from the moment this is made.
#[derive(Debug)]
pub struct Capture {
    taps: Vec<Tap>,
    /// What it is about: `container web`, `network lan`.
    pub subject: String,
    /// Readable when the container has ended.
    ended: Option<OwnedFd>,
    started: Duration,
}

/// When to stop, beside a signal, the container's end and the interfaces' own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// After this long.
    pub time: Option<Duration>,
    /// After so many packets.
    pub count: Option<u64>,
}

/// Where packets go.
pub trait Sink {
    /// One packet of interface number `interface`.
    fn packet(&mut self, interface: usize, packet: &Packet<'_>);

    /// Called between packets, often enough that little waits.
    fn flush(&mut self) -> io::Result<()>;
}

/// Why it stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stopped {
    /// SIGINT or SIGTERM.
    Signal,
    /// [`Limits::time`].
    Time,
    /// [`Limits::count`].
    Count,
    /// The container has ended.
    Ended,
    /// There is no interface left.
    Gone,
}

/// What it came to.
#[derive(Debug)]
pub struct Outcome {
    /// Why it stopped.
    pub stopped: Stopped,
    /// One for each interface.
    pub statistics: Vec<Statistics>,
    /// Since 1970.
    pub started: Duration,
    /// Since 1970.
    pub ended: Duration,
}

impl Capture {
    /// The interfaces, in the order that their numbers mean.
    pub fn interfaces(&self) -> Vec<Interface> {
        self.taps.iter().map(|tap| tap.interface.clone()).collect()
    }

    /// Hands packets to the sink until something ends it. `begun` is called when whoever is told
    /// so can end it by a signal.
    ///
    /// # Errors
    /// The sink's, with `what` it is called; the event loop cannot be made.
    pub fn run(
        mut self,
        limits: &Limits,
        sink: &mut dyn Sink,
        begun: &dyn Fn(),
    ) -> Result<Outcome, RunError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context(|| "start the event loop".into())?;
        let stopped = runtime.block_on(self.listen(limits, sink, begun))?;
        for tap in &mut self.taps {
            tap.look();
        }
        Ok(Outcome {
            stopped,
            statistics: self.taps.iter().map(|tap| tap.statistics).collect(),
            started: self.started,
            ended: now(),
        })
    }

    async fn listen(
        &mut self,
        limits: &Limits,
        sink: &mut dyn Sink,
        begun: &dyn Fn(),
    ) -> Result<Stopped, RunError> {
        let mut interrupt =
            signal(SignalKind::interrupt()).context(|| "watch for SIGINT".into())?;
        let mut terminate =
            signal(SignalKind::terminate()).context(|| "watch for SIGTERM".into())?;
        begun();
        let ended = match self.ended.take() {
            Some(pidfd) => Some(watch(pidfd)?),
            None => None,
        };
        let mut watched = Vec::new();
        for (number, tap) in self.taps.iter().enumerate() {
            if let Some(ring) = &tap.ring {
                let descriptor = std::os::fd::AsFd::as_fd(ring)
                    .try_clone_to_owned()
                    .context(|| "watch a packet socket".into())?;
                watched.push((number, watch(descriptor)?));
            }
        }
        let deadline = limits
            .time
            .and_then(|time| tokio::time::Instant::now().checked_add(time));
        let mut left = limits.count.unwrap_or(u64::MAX);
        // Blocks may be ready that were not waited for.
        let mut more = true;
        let mut went_down = false;
        let stopped = loop {
            let stopped = tokio::select! {
                biased;
                _ = interrupt.recv() => Some(Stopped::Signal),
                _ = terminate.recv() => Some(Stopped::Signal),
                () = until(deadline) => Some(Stopped::Time),
                () = end(ended.as_ref()) => Some(Stopped::Ended),
                () = std::future::ready(()), if more => None,
                () = any(&watched) => None,
                () = tokio::time::sleep(LOOK), if went_down => None,
            };
            if let Some(stopped) = stopped {
                break stopped;
            }
            more = self.drain(&mut left, sink)?;
            if left == 0 {
                return Ok(Stopped::Count);
            }
            if !more {
                went_down |= self.taps.iter().any(Tap::went_down);
                watched.retain(|(number, _)| !self.taps[*number].forget_if_gone());
                if watched.is_empty() {
                    return Ok(Stopped::Gone);
                }
            }
        };
        // What came before the end is in a block that is handed over by then.
        tokio::time::sleep(RETIRE * 2).await;
        self.drain(&mut left, sink)?;
        Ok(stopped)
    }

    /// Takes what is ready of all interfaces; true when there was something.
    fn drain(&mut self, left: &mut u64, sink: &mut dyn Sink) -> Result<bool, RunError> {
        let mut any = false;
        for (number, tap) in self.taps.iter_mut().enumerate() {
            if *left == 0 {
                break;
            }
            if let Some(ring) = &mut tap.ring {
                any |= ring.drain(|packet| {
                    sink.packet(number, packet);
                    *left -= 1;
                    *left > 0
                });
                sink.flush().map_err(RunError::Sink)?;
            }
        }
        Ok(any)
    }
}

impl Tap {
    fn went_down(&self) -> bool {
        self.ring.as_ref().is_some_and(Ring::went_down)
    }

    fn look(&mut self) {
        if let Some(ring) = &mut self.ring
            && let Ok(statistics) = ring.statistics()
        {
            self.statistics = statistics;
        }
    }

    /// An interface that was deleted brings nothing any more, and its socket would never rest.
    fn forget_if_gone(&mut self) -> bool {
        let gone = self.ring.as_ref().is_none_or(Ring::is_gone);
        if gone {
            self.look();
            self.ring = None;
        }
        gone
    }
}

/// Capturing ended before its time.
#[derive(Debug)]
pub enum RunError {
    /// The sink takes nothing any more.
    Sink(io::Error),
    /// Anything else.
    Failed(Failure),
}

impl From<Failure> for RunError {
    fn from(failure: Failure) -> RunError {
        RunError::Failed(failure)
    }
}

fn watch(descriptor: OwnedFd) -> Result<AsyncFd<OwnedFd>, Failure> {
    fd_stream::watch(descriptor, Interest::READABLE | Interest::ERROR)
        .context(|| "watch a descriptor".into())
}

async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

async fn end(pidfd: Option<&AsyncFd<OwnedFd>>) {
    match pidfd {
        // An error would be one of the loop itself.
        Some(pidfd) => drop(pidfd.readable().await),
        None => std::future::pending().await,
    }
}

/// Waits until one of them has a block, or an error. Their readiness is forgotten: all of them
/// are looked at then.
async fn any(watched: &[(usize, AsyncFd<OwnedFd>)]) {
    let interest = Interest::READABLE | Interest::ERROR;
    let mut waits: Vec<Pin<Box<_>>> = watched
        .iter()
        .map(|(_, descriptor)| Box::pin(descriptor.ready(interest)))
        .collect();
    std::future::poll_fn(|context| {
        let mut found = Poll::Pending;
        for wait in &mut waits {
            if found.is_pending()
                && let Poll::Ready(ready) = wait.as_mut().poll(context)
            {
                if let Ok(mut guard) = ready {
                    guard.clear_ready();
                }
                found = Poll::Ready(());
            }
        }
        found
    })
    .await;
}

fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
