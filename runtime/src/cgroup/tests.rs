//! Groups on the running kernel. Names are this process's own, so that tests of
//! other processes beside it are not disturbed.

mod block_io;
pub(super) mod devices;
mod limits;
mod memory;
mod network;
mod oom;
mod processes;
mod stats;
mod sub;
mod unified;
mod update;

use super::hierarchy::Controller;
use super::layout::Layout;
use super::*;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A group that ends with the test.
pub(super) struct Group(pub(super) Cgroup);

impl std::ops::Deref for Group {
    type Target = Cgroup;

    fn deref(&self) -> &Cgroup {
        &self.0
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.0.kill_all();
        let _ = self.0.delete();
    }
}

/// A name of a group that nobody else has, inside a parent of its own.
fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("/rbox-test-{}-{count}/container", std::process::id())
}

/// Says that `test` cannot run here.
pub(super) fn skip(test: &str, reason: &str) {
    let line = format!("SKIPPED {test}: {reason}");
    eprintln!("{line}");
    if let Some(file) = std::env::var_os("RBOX_SKIPS") {
        use std::io::Write;
        let file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(file);
        let _ = writeln!(file.unwrap(), "{line}");
    }
}

/// The machine's hierarchies, if groups can be made in them and they have
/// `controllers`.
pub(super) fn machine(test: &str, controllers: &[Controller]) -> Option<Arc<Layout>> {
    let layout = match Layout::host() {
        Ok(layout) => layout,
        Err(error) => {
            skip(test, &error.to_string());
            return None;
        }
    };
    if !rustix::process::geteuid().is_root() {
        skip(test, "needs root");
        return None;
    }
    for controller in controllers {
        if layout.home(*controller).is_none() {
            skip(test, &format!("no {} cgroup controller", controller.name()));
            return None;
        }
    }
    Some(layout)
}

/// A new group with `resources` (as JSON).
fn group(layout: &Arc<Layout>, resources: &str) -> Group {
    let resources = serde_json::from_str(resources).unwrap();
    Group(create::create(Arc::clone(layout), &unique(), &resources).unwrap())
}

/// The error of making a group, and that it left nothing.
fn refused(layout: &Arc<Layout>, resources: &str) -> String {
    let path = unique();
    let resources = serde_json::from_str(resources).unwrap();
    let error = create::create(Arc::clone(layout), &path, &resources).unwrap_err();
    let parent = CgroupPath::parse(path.rsplit_once('/').unwrap().0).unwrap();
    for one in layout.members() {
        assert!(
            !one.directory(&parent).exists(),
            "{} is left",
            one.directory(&parent).display()
        );
    }
    error.to_string()
}

/// A control file of the group: its v1 name and its v2 name.
fn file(group: &Cgroup, controller: Controller, v1: &str, v2: &str) -> PathBuf {
    let home = group.layout.home(controller).unwrap();
    let name = if home.version() == Version::V1 {
        v1
    } else {
        v2
    };
    home.directory(&group.path).join(name)
}

fn content(group: &Cgroup, controller: Controller, v1: &str, v2: &str) -> String {
    std::fs::read_to_string(file(group, controller, v1, v2))
        .unwrap()
        .trim()
        .to_owned()
}

/// A shell that joins the group by itself and then runs `script`.
fn shell(group: &Cgroup, script: &str) -> Child {
    let files = group.members().map(|one| {
        let path = match &group.within {
            Some(within) => within.joined(&group.path, one),
            None => &group.path,
        };
        one.directory(path).join(one.join_file())
    });
    let joining = "script=$1; shift; for file do echo 0 > \"$file\" || exit 99; done; \
                   eval \"$script\"";
    Command::new("/bin/sh")
        .args(["-c", joining, "sh", script])
        .args(files)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for something that has no event; fails after ten seconds.
fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(2));
    }
}
