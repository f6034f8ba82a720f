//! Where the time of one command goes, in all the processes that carry it out.
//!
//! ```text
//!  client   begin ── mark ── mark ──────────── mark ── finish: waits, reads
//!              │ memfd                                    ▲
//!  monitor     └▶ join ── mark ── mark ── mark ── leave ──┘ or its end
//!                            │ fork
//!  the container's process   └▶ speak_as ── mark ── mark ── exec
//! ```
//!
//! All of them write to the same memory. A mark is a look at the clock and a few stores: no system
//! call, no descriptor, no allocation. So it may stand between fork and exec, behind the seccomp
//! filter and after the change of user, and hardly changes what is measured. Exec takes the memory
//! away: the container's program never has it. While nobody asked for a trace a mark is one load.
//!
//! Whoever joins holds a shared lock of the memory's file; the client waits for it to be free. As
//! the kernel lets go of it for the dead, nobody waits for them.

mod memory;
mod trace;

use std::ffi::OsStr;
use std::io;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::time::Duration;

use memory::{Memory, Words};
use rustix::time::{ClockId, clock_gettime};

/// Who makes a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The command that was typed.
    Client,
    /// The process that each running container has beside its own.
    Monitor,
    /// A process of a container, until it executes its program.
    Process,
}

/// One mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Since the kernel's clock began.
    pub at: Duration,
    /// Who made it.
    pub part: Part,
    /// Which process of the trace: they are numbered as they come.
    pub process: u32,
    /// What was done by then.
    pub what: String,
}

/// What a trace has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// In the order of time.
    pub marks: Vec<Mark>,
    /// Marks that there was no room for.
    pub lost: usize,
    /// Somebody was at it still.
    pub unfinished: bool,
}

/// The memory that this process writes to; null without a trace.
static MEMORY: AtomicPtr<Words> = AtomicPtr::new(std::ptr::null_mut());

/// Who this process is: the part, and the number in the lower half.
static SPEAKER: AtomicU64 = AtomicU64::new(0);

/// Notes that something is done.
#[inline]
pub fn mark(what: &str) {
    mark_of(what, "");
}

/// Notes that something is done to `object`.
#[inline]
pub fn mark_of(what: &str, object: &str) {
    if is_on() {
        write(what, object);
    }
}

/// Whether a mark is kept.
#[inline]
pub fn is_on() -> bool {
    !MEMORY.load(Ordering::Relaxed).is_null()
}

/// Notes what was done before the trace was asked for.
pub fn mark_at(at: Duration, what: &str) {
    if let Some(memory) = memory() {
        memory.write(SPEAKER.load(Ordering::Relaxed), at, what, "");
    }
}

/// The time, as marks have it.
pub fn now() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or(0))
}

#[cold]
fn write(what: &str, object: &str) {
    if let Some(memory) = memory() {
        memory.write(SPEAKER.load(Ordering::Relaxed), now(), what, object);
    }
}

fn memory() -> Option<Memory> {
    Memory::at(MEMORY.load(Ordering::Acquire))
}

/// From here on this process is another one: a child that was forked.
pub fn speak_as(part: Part) {
    if let Some(memory) = memory() {
        SPEAKER.store(memory.speaker(part), Ordering::Relaxed);
    }
}

/// Starts a trace, or goes on with the one that this process had before it executed itself anew.
///
/// # Errors
/// As memfd_create, fallocate and mmap.
pub fn begin() -> io::Result<()> {
    trace::begin()
}

/// What a process needs in its environment for [`join_by_environment`].
pub fn environment() -> Option<(&'static str, String)> {
    address().map(|address| (trace::VARIABLE, address))
}

/// The same across an exec of this process, for [`begin`].
pub fn environment_after_exec() -> Option<(&'static str, String)> {
    trace::keep_open().then(environment).flatten()
}

/// What other processes of this user find the client's trace by, while the client lives.
pub fn address() -> Option<String> {
    is_on().then(trace::address).flatten()
}

/// Takes part in the trace that the environment tells of.
pub fn join_by_environment(part: Part) {
    if let Some(address) = std::env::var_os(trace::VARIABLE) {
        // Without it the command is done all the same.
        let _ = join(&address, part);
    }
}

/// Takes part in the trace with this address, in the place of one before it.
///
/// # Errors
/// The client is gone, or there is none of its traces.
pub fn join(address: &OsStr, part: Part) -> io::Result<()> {
    trace::join(address, part)
}

/// Takes no part any more.
pub fn leave() {
    trace::leave();
}

/// Ends the client's trace: what it has found, once all others have left it. Waits no longer for
/// them than that.
pub fn finish(patience: Duration) -> Option<Trace> {
    trace::finish(patience)
}
