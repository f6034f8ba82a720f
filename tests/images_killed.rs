//! Commands on images that are killed on their way: nothing half-done is served, and the next
//! command clears up.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Host, Tar};

/// How often each command is killed, at moments spread over the time that it takes.
const MOMENTS: u32 = 12;

/// A tar of many small files and a large one: it takes a while to come in and to go.
fn large(host: &Host) -> String {
    let mut tar = Tar::default();
    for number in 0..400 {
        tar = tar.file(&format!("file-{number}"), &[number as u8; 3000]);
    }
    let path = host.scratch().join("large.tar");
    fs::write(&path, tar.file("end", b"whole").finish()).unwrap();
    path.to_str().unwrap().to_owned()
}

fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Runs a command to its end to learn how long it takes.
fn measured(host: &Host, line: &[&str]) -> Duration {
    let start = Instant::now();
    host.rbox(line).ok();
    start.elapsed()
}

/// Kills a command after a while; whether it was still at it.
fn killed_after(command: &mut Command, while_: Duration) -> bool {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let end = Instant::now() + while_;
    while Instant::now() < end {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::yield_now();
    }
    let _ = child.kill();
    !child.wait().unwrap().success()
}

/// Every image that is listed is whole, and every layer has what says so.
fn assert_whole(host: &Host, moment: u32) {
    let images = host.root().join("images");
    for layer in names(&images.join("layers")) {
        let layer = images.join("layers").join(layer);
        assert!(layer.join("meta.json").exists(), "{moment}: {layer:?}");
        assert_eq!(
            fs::read_to_string(layer.join("fs/end")).unwrap(),
            "whole",
            "{moment}: {layer:?}"
        );
    }
    for id in host.ok("images -q --no-trunc").lines() {
        host.ok(&format!("image inspect {id}"));
        host.ok(&format!("history {id}"));
        let saved = host.scratch().join("saved.tar");
        host.ok(&format!("save -o {} {id}", saved.display()));
    }
}

/// A prune of everything leaves nothing at all behind.
fn assert_cleared(host: &Host, moment: u32) {
    host.ok("system prune -a -f");
    let images = host.root().join("images");
    for directory in ["blobs/sha256", "layers", "tmp"] {
        assert_eq!(
            names(&images.join(directory)),
            [""; 0],
            "{moment}: {directory}"
        );
    }
}

/// Kills `line` at many moments; `prepare` comes before each.
fn kill_often(host: &Host, line: &[&str], prepare: impl Fn(&Host)) {
    prepare(host);
    let mut whole = measured(host, line);
    assert_cleared(host, 0);
    let mut killed = 0;
    for moment in 1..=MOMENTS {
        prepare(host);
        let mut command = host.command(line);
        if killed_after(&mut command, whole * moment / MOMENTS) {
            killed += 1;
        } else {
            // It was slower when it was measured, as on a busy machine.
            whole = whole * 2 / 3;
        }
        assert_whole(host, moment);
        assert_cleared(host, moment);
    }
    assert!(killed > 0, "no kill met the command at work");
}

#[test]
fn an_import_that_is_killed_leaves_nothing_that_is_served() {
    let host = Host::without_images();
    let file = large(&host);
    kill_often(&host, &["import", &file, "large:1"], |_| {});
}

#[test]
fn a_load_that_is_killed_leaves_nothing_that_is_served() {
    let host = Host::without_images();
    let file = large(&host);
    let saved = host.scratch().join("image.tar");
    let saved = saved.to_str().unwrap().to_owned();
    host.ok(&format!("import {file} large:1"));
    host.ok(&format!("save -o {saved} large:1"));
    host.ok("rmi large:1");
    kill_often(&host, &["load", "-i", &saved], |_| {});
}

#[test]
fn removals_that_are_killed_are_ended_by_the_next() {
    let host = Host::without_images();
    let file = large(&host);
    let import = |host: &Host| {
        host.ok(&format!("import {file} large:1"));
    };
    kill_often(&host, &["rmi", "large:1"], import);
    kill_often(&host, &["image", "prune", "-a", "-f"], import);
}

#[test]
fn what_a_killed_command_left_goes_with_the_next_import() {
    let host = Host::without_images();
    let file = large(&host);
    let tmp = host.root().join("images/tmp");
    let mut child = host
        .command(&["import", "-", "fed:1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // It waits for its archive and has begun.
    while names(&tmp).is_empty() {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(names(&tmp).len(), 1);
    host.ok(&format!("import {file} large:1"));
    assert_eq!(names(&tmp), [""; 0]);
    assert_eq!(host.ok("images --format {{.Repository}}"), "large");
}

#[test]
fn prunes_while_containers_are_made_break_none() {
    let host = Host::with_own_images();
    std::thread::scope(|scope| {
        let pruning = scope.spawn(|| {
            for _ in 0..20 {
                host.ok("image prune -f");
                host.ok("builder prune -a -f");
            }
        });
        let mut number = 0;
        while !pruning.is_finished() || number == 0 {
            number += 1;
            host.ok(&format!("tag alpine mine:{number}"));
            assert_eq!(
                host.ok(&format!("run --rm mine:{number} echo well")),
                "well"
            );
            host.ok(&format!("rmi mine:{number}"));
        }
    });
}
