//! The life of a trace: its file, who takes part, its end.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use rustix::fs::{
    FallocateFlags, MemfdFlags, SealFlags, fallocate, fcntl_add_seals, fcntl_get_seals,
    memfd_create,
};
use rustix::io::{FdFlags, fcntl_setfd};

use crate::memory::{Memory, SIZE};
use crate::{MEMORY, Part, SPEAKER, Trace};

/// In the environment of a process that is to take part: where the trace is.
pub(crate) const VARIABLE: &str = "RBOX_TIMING";

/// Nobody can take the memory away from under the others.
const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW);

/// The client comes first, and stays the same when it executes itself anew.
const CLIENT: u64 = 0;

/// The client's file; in another process the one whose lock it holds.
static FILE: Mutex<Option<File>> = Mutex::new(None);

fn file() -> MutexGuard<'static, Option<File>> {
    FILE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn begin() -> io::Result<()> {
    let own = format!("/proc/{}/", std::process::id());
    let before = std::env::var_os(VARIABLE).filter(|address| {
        address
            .to_str()
            .is_some_and(|address| address.starts_with(&own))
    });
    if let Some(opened) = before.and_then(|address| open(&address).ok()) {
        let (file, memory) = opened;
        take(file, memory, CLIENT);
        return Ok(());
    }
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = File::from(memfd_create("rbox-timing", flags)?);
    // All of it now: a page must neither be wanting later nor be charged to the container.
    fallocate(&file, FallocateFlags::empty(), 0, SIZE as u64)?;
    fcntl_add_seals(&file, SEALS)?;
    let memory = Memory::map(&file)?;
    memory.label();
    take(file, memory, memory.speaker(Part::Client));
    Ok(())
}

pub(crate) fn join(address: &OsStr, part: Part) -> io::Result<()> {
    let (opened, memory) = open(address)?;
    opened.lock_shared()?;
    take(opened, memory, memory.speaker(part));
    Ok(())
}

/// A trace of another process, or of this one's before it executed itself: through /proc the file
/// is opened anew, with a lock of its own.
fn open(address: &OsStr) -> io::Result<(File, Memory)> {
    let file = OpenOptions::new().read(true).write(true).open(address)?;
    let sealed = fcntl_get_seals(&file)?.contains(SEALS);
    if !sealed || file.metadata()?.len() != SIZE as u64 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let memory = Memory::map(&file)?;
    match memory.is_labelled() {
        true => Ok((file, memory)),
        false => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn take(opened: File, memory: Memory, speaker: u64) {
    leave();
    SPEAKER.store(speaker, Ordering::Relaxed);
    *file() = Some(opened);
    MEMORY.store(memory.pointer(), Ordering::Release);
}

pub(crate) fn leave() {
    MEMORY.store(std::ptr::null_mut(), Ordering::Release);
    if let Some(file) = file().take() {
        // Not by closing alone: a child may not have executed its program yet.
        let _ = file.unlock();
    }
}

pub(crate) fn address() -> Option<String> {
    let file = file();
    let number = file.as_ref()?.as_raw_fd();
    Some(format!("/proc/{}/fd/{number}", std::process::id()))
}

pub(crate) fn keep_open() -> bool {
    file()
        .as_ref()
        .is_some_and(|file| fcntl_setfd(file, FdFlags::empty()).is_ok())
}

pub(crate) fn finish(patience: Duration) -> Option<Trace> {
    let memory = crate::memory()?;
    let file = file().take()?;
    let unfinished = file.try_lock().is_err() && !wait(file.try_clone().ok()?, patience);
    let (marks, lost) = memory.read();
    // Whoever took part keeps its address space, but no memory.
    let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    let _ = fallocate(&file, hole, 0, SIZE as u64);
    Some(Trace {
        marks,
        lost,
        unfinished,
    })
}

/// Waits until nobody else takes part.
fn wait(file: File, patience: Duration) -> bool {
    let (say, hear) = mpsc::channel();
    std::thread::spawn(move || say.send(file.lock().is_ok()));
    let left = hear.recv_timeout(patience).unwrap_or(false);
    if left {
        crate::mark("nobody else is at it");
    }
    left
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::time::Duration;

    use crate::{Part, address, begin, environment, finish, is_on, join, leave, mark, mark_of};

    // One test: there is one trace a process.
    #[test]
    fn a_trace_lasts_from_its_begin_until_nobody_takes_part() {
        mark("before");
        assert!(!is_on() && environment().is_none());
        begin().unwrap();
        mark("one");
        mark_of("two of", "/proc");
        let trace = finish(Duration::from_secs(5)).unwrap();
        let texts: Vec<_> = trace.marks.iter().map(|mark| mark.what.as_str()).collect();
        assert_eq!(texts, ["one", "two of /proc"]);
        assert!(!trace.unfinished && trace.lost == 0);
        assert!(trace.marks.iter().all(|mark| mark.part == Part::Client));

        // Joined under the address of a trace; this process is the client and the other at once.
        begin().unwrap();
        let theirs = address().unwrap();
        join(OsStr::new(&theirs), Part::Monitor).unwrap();
        mark("joined");
        leave();
        mark("left");
        assert!(!is_on());

        for none in ["/proc/self/fd/99999", "/dev/null", "/proc/self/exe"] {
            assert!(join(OsStr::new(none), Part::Monitor).is_err(), "{none}");
        }
    }
}
