//! A single-threaded process for each test.

#![allow(unsafe_code, reason = "fork and _exit have no safe wrapper")]

use std::os::fd::BorrowedFd;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Seconds a test may take. One that hangs fails, so that the others are heard of.
const PATIENCE: u32 = 240;

/// Whether this is the process of one test.
static APART: AtomicBool = AtomicBool::new(false);

/// Runs a test in a forked process with its own mount and network namespaces,
/// and checks that it left no descriptors and no children.
pub fn apart(name: &str, test: impl FnOnce()) {
    if !rustix::process::geteuid().is_root() {
        return skip(name, "needs root");
    }
    listen_for_panics();
    // SAFETY: glibc's fork leaves the allocator usable in the child of a
    // program with threads; nothing else that is shared is used there.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork: {}", std::io::Error::last_os_error());
    if pid == 0 {
        APART.store(true, Ordering::Relaxed);
        // SAFETY: no preconditions; nobody handles the signal, and children do not inherit it.
        unsafe { libc::alarm(PATIENCE) };
        let code = child(test);
        // SAFETY: no preconditions.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: `status` is valid for writes.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!(waited, pid);
    assert_ne!(status, libc::SIGALRM, "{name} took over {PATIENCE} s");
    assert_eq!(status, 0, "{name} failed: see its message above");
}

/// What a test's process says when it panics: the harness captures output per thread and would
/// never print it.
///
/// Set here, before any fork: who sets it in a child waits for whichever thread of the parent was
/// printing a backtrace at the moment of the fork, and that thread is not in the child.
fn listen_for_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if !APART.load(Ordering::Relaxed) {
                return before(info);
            }
            let message = format!("{info}\n");
            // SAFETY: standard error is open for the life of the process.
            let stderr = unsafe { BorrowedFd::borrow_raw(2) };
            let _ = rustix::io::write(stderr, message.as_bytes());
        }));
    });
}

/// Says that a test could not run here, and why.
pub fn skip(name: &str, reason: &str) {
    let line = format!("SKIPPED {name}: {reason}\n");
    eprint!("{line}");
    if let Some(file) = std::env::var_os("RBOX_SKIPS") {
        use std::io::Write;
        let file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(file);
        file.unwrap().write_all(line.as_bytes()).unwrap();
    }
}

fn child(test: impl FnOnce()) -> i32 {
    let result = catch_unwind(AssertUnwindSafe(|| {
        let flags = UnshareFlags::NEWNS | UnshareFlags::NEWNET;
        // SAFETY: descriptors stay shared.
        unsafe { unshare_unsafe(flags) }.unwrap();
        let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        mount_change("/", private).unwrap();
        let before = descriptors();
        test();
        assert_eq!(descriptors(), before, "descriptors are left");
        let children = rustix::process::wait(rustix::process::WaitOptions::NOHANG);
        assert_eq!(
            children.unwrap_err(),
            rustix::io::Errno::CHILD,
            "a child is left"
        );
    }));
    i32::from(result.is_err())
}

/// The open descriptors, with what they are open at.
fn descriptors() -> Vec<(String, String)> {
    let mut all: Vec<_> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.unwrap();
            // The directory's own descriptor is closed by then.
            let target = std::fs::read_link(entry.path()).ok()?;
            // Another test's, which the fork took along, may be removed meanwhile.
            let target = target.to_string_lossy();
            let target = target.trim_end_matches(" (deleted)").to_owned();
            let number = entry.file_name().to_string_lossy().into_owned();
            (!target.ends_with("/fd")).then_some((number, target))
        })
        .collect();
    all.sort();
    all
}

/// Ends the process of a test at once, successfully and without any check.
pub fn leave() -> ! {
    // SAFETY: no preconditions.
    unsafe { libc::_exit(0) }
}

/// Makes `number` a duplicate of `fd` that a program executed now inherits.
pub fn place(fd: BorrowedFd<'_>, number: i32) {
    use std::os::fd::AsRawFd;
    // SAFETY: the test owns the numbering of its process.
    let result = unsafe { libc::dup2(fd.as_raw_fd(), number) };
    assert_eq!(result, number);
}

/// Closes what [`place`] opened.
pub fn close(number: i32) {
    // SAFETY: see above.
    unsafe { libc::close(number) };
}
