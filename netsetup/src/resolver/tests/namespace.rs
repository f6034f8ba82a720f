//! Network namespaces of a test's own.

use std::future::Future;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::process::Command;
use std::sync::mpsc;

use crate::kernel::netns;

/// Moves this test's thread into a new network namespace with loopback up. False, and said so,
/// when that is not permitted.
pub(crate) fn isolate(test: &str) -> bool {
    // SAFETY: only this thread's network namespace changes.
    #[allow(unsafe_code, reason = "unshare")]
    let result = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    if result != 0 {
        skip(test, "new network namespaces are not permitted");
        return false;
    }
    let up = Command::new("ip")
        .args(["link", "set", "lo", "up"])
        .status();
    assert!(up.expect("ip of iproute2 is needed").success());
    true
}

/// A second namespace with loopback up.
pub(crate) fn another() -> OwnedFd {
    let made = std::thread::spawn(|| {
        assert!(isolate("another namespace"));
        netns::open_current().unwrap()
    });
    made.join().unwrap()
}

/// Runs a test in a namespace of its own, on a runtime of one thread.
pub(crate) fn run<F: Future<Output = ()>>(test: &str, body: impl FnOnce() -> F) {
    if !isolate(test) {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let limit = std::time::Duration::from_secs(60);
        tokio::time::timeout(limit, body())
            .await
            .expect("the test hangs");
    });
}

/// Runs something in another namespace on a thread of its own; its result comes by the channel.
pub(crate) fn within<T: Send + 'static>(
    ns: OwnedFd,
    work: impl FnOnce() -> T + Send + 'static,
) -> mpsc::Receiver<T> {
    use std::os::fd::AsFd as _;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let _inside = netns::enter(ns.as_fd()).unwrap();
        let _ = sender.send(work());
    });
    receiver
}

fn skip(test: &str, reason: &str) {
    let line = format!("SKIPPED {test}: {reason}\n");
    eprint!("{line}");
    if let Some(path) = std::env::var_os("RBOX_SKIPS") {
        let file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path);
        file.unwrap().write_all(line.as_bytes()).unwrap();
    }
}
