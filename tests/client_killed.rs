//! The client is killed: whatever it was about, nothing is half done for good,
//! and a container that runs goes on.

use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::harness::{Host, eventually};

/// Moments at which a client is killed: evenly over the time that it takes.
const MOMENTS: u32 = 40;

fn spawn(host: &Host, line: &str) -> Child {
    host.command(&line.split(' ').collect::<Vec<_>>())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The longest of a few runs of a command that `after` makes possible again.
fn duration(host: &Host, line: &str, after: impl Fn()) -> Duration {
    let run = |_| {
        let start = Instant::now();
        assert!(spawn(host, line).wait().unwrap().success(), "{line}");
        let took = start.elapsed();
        after();
        took
    };
    (0..3).map(run).max().unwrap()
}

/// Kills the client of `line` at every moment of its run; `after` each time.
fn kill_at_every_moment(host: &Host, line: &str, after: impl Fn()) {
    let whole = duration(host, line, &after);
    for moment in 0..MOMENTS {
        let mut client = spawn(host, line);
        sleep(whole * moment / MOMENTS);
        client.kill().unwrap();
        client.wait().unwrap();
        after();
    }
}

/// All that is there can be listed and removed, and then nothing is left.
fn remove_all(host: &Host) {
    let listed = host.rbox(&["ps", "-aq"]);
    assert_eq!(listed.stderr, "");
    for id in listed.ok().lines() {
        host.ok(&format!("rm -f {id}"));
    }
    host.nothing_is_left();
}

#[test]
fn killed_while_it_runs_a_container_it_leaves_nothing_that_rm_does_not_remove() {
    let host = Host::new();
    let line = "run -d --name box -p 8080:80 alpine sleep 1000";
    kill_at_every_moment(&host, line, || remove_all(&host));
}

#[test]
fn killed_while_it_runs_a_brief_container_the_container_ends_and_is_gone() {
    let host = Host::new();
    let line = "run --rm --name box alpine true";
    kill_at_every_moment(&host, line, || {
        // One that was made and not yet started is all that can be left.
        eventually("its end", || host.ok("ps -q").is_empty().then_some(()));
        remove_all(&host);
    });
}

#[test]
fn killed_while_it_makes_a_container_the_name_is_free_or_that_of_a_whole_one() {
    let host = Host::new();
    kill_at_every_moment(&host, "create --name box alpine true", || {
        let made = host.rbox(&["create", "--name", "box", "alpine", "true"]);
        if made.code != 0 {
            let text = "rbox: Conflict. The container name \"/box\" is already in use by container";
            assert!(made.stderr.starts_with(text), "{made:?}");
        }
        assert_eq!(host.ok("ps -a --format {{.Names}}"), "box");
        host.ok("rm box");
        host.nothing_is_left();
    });
}

#[test]
fn killed_while_it_starts_a_container_the_container_runs_or_can_be_started() {
    let host = Host::new();
    host.ok("network create lan");
    host.ok("create --name box --network lan alpine sleep 1000");
    kill_at_every_moment(&host, "start box", || {
        host.ok("start box");
        assert_eq!(host.ok("ps --format {{.Names}}"), "box");
        host.ok("exec box true");
        host.ok("stop -t 0 box");
    });
}

#[test]
fn killed_while_it_stops_or_removes_a_container_others_can_do_so() {
    let host = Host::new();
    let again = || {
        host.rbox(&["rm", "-f", "box"]);
        host.ok("run -d --name box alpine sleep 1000");
    };
    again();
    kill_at_every_moment(&host, "rm -f box", || {
        let left = host.rbox(&["rm", "-f", "box"]);
        let text = "rbox: No such container: box\n";
        assert!(left.stderr.is_empty() || left.stderr == text, "{left:?}");
        assert_eq!(host.ok("ps -aq"), "");
        again();
    });
    kill_at_every_moment(&host, "stop -t 0 box", || {
        host.ok("stop -t 0 box");
        host.ok("start box");
    });
}

#[test]
fn killed_while_it_makes_or_removes_a_network_others_can_do_so() {
    let host = Host::new();
    let remove = || {
        let removed = host.rbox(&["network", "rm", "lan"]);
        let text = "rbox: network lan not found\n";
        assert!(
            removed.stderr.is_empty() || removed.stderr.ends_with(text),
            "{removed:?}"
        );
        host.nothing_is_left();
    };
    kill_at_every_moment(&host, "network create --subnet 10.9.0.0/24 lan", remove);
    let again = || {
        let made = host.rbox(&["network", "create", "--subnet", "10.9.0.0/24", "lan"]);
        let text = "rbox: network with name lan already exists\n";
        assert!(made.code == 0 || made.stderr == text, "{made:?}");
        host.ok("run --rm --network lan alpine true");
    };
    again();
    kill_at_every_moment(&host, "network rm lan", again);
}

#[test]
fn a_container_runs_on_without_the_client_that_it_was_attached_to() {
    let host = Host::new();
    let script = "while :; do date +%s%N; sleep 0.05; done";
    let mut client = host
        .command(&["run", "--name", "box", "alpine", "sh", "-c", script])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = || host.rbox(&["logs", "box"]).stdout.lines().count();
    eventually("output", || (lines() > 2).then_some(()));
    client.kill().unwrap();
    client.wait().unwrap();
    let before = lines();
    eventually("more output", || (lines() > before + 5).then_some(()));
    let attached = host.spawn("attach --no-stdin box");
    host.ok("stop -t 0 box");
    let output = attached.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(137));
    assert_eq!(host.ok("inspect -f {{.State.ExitCode}} box"), "137");
}

#[test]
fn killed_during_exec_it_leaves_a_process_that_ends_with_the_container() {
    let host = Host::new();
    host.ok("run -d --name box alpine sleep 1000");
    let mut exec = spawn(&host, "exec box sleep 3000");
    let processes = || host.ok("exec box ps -o args");
    eventually("it runs", || {
        processes().contains("sleep 3000").then_some(())
    });
    exec.kill().unwrap();
    exec.wait().unwrap();
    assert!(processes().contains("sleep 1000"));
    kill_at_every_moment(&host, "exec box true", || {
        host.ok("exec box true");
    });
    host.ok("rm -f box");
    host.nothing_is_left();
}

#[test]
fn a_stop_goes_on_without_the_client_that_asked_for_it() {
    let host = Host::new();
    let script = "trap 'echo asked' TERM; echo ready; while :; do sleep 0.05; done";
    host.rbox(&["run", "-d", "--name", "box", "alpine", "sh", "-c", script])
        .ok();
    eventually("the trap", || {
        (host.ok("logs box") == "ready").then_some(())
    });
    let mut stop = spawn(&host, "stop -t 1 box");
    eventually("the signal", || {
        host.ok("logs box").contains("asked").then_some(())
    });
    stop.kill().unwrap();
    stop.wait().unwrap();
    eventually("the end", || host.ok("ps -q").is_empty().then_some(()));
    assert_eq!(host.ok("inspect -f {{.State.ExitCode}} box"), "137");
}

#[test]
fn a_silent_containers_monitor_lets_go_of_clients_that_are_gone() {
    let host = Host::new();
    host.ok("run -d -i --name box alpine sleep 1000");
    let directory = format!("/proc/{}/fd", host.monitor("box"));
    let open = || std::fs::read_dir(&directory).unwrap().count();
    // The client that started it may be gone before its connection is.
    let samples = (0..20).map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        open()
    });
    let before = samples.min().unwrap();
    for line in [
        "attach box",
        "attach --no-stdin box",
        "wait box",
        "stop -s CONT -t -1 box",
    ] {
        let mut clients: Vec<_> = (0..5).map(|_| host.spawn(line)).collect();
        eventually(line, || (open() >= before + 5).then_some(()));
        for client in &mut clients {
            client.kill().unwrap();
            client.wait().unwrap();
        }
        eventually("the old number of descriptors", || {
            (open() == before).then_some(())
        });
    }
}

#[test]
fn a_remover_that_dies_after_its_first_step_leaves_no_name_taken() {
    let host = Host::new();
    host.ok("create --name web alpine true");
    let id = host.id("web");
    let containers = host.root().join("containers");
    // What `rm` does first, and all that it lived to do.
    std::fs::rename(
        containers.join(&id),
        containers.join(format!(".removing-{id}")),
    )
    .unwrap();
    assert_eq!(host.ok("ps -aq"), "");
    assert!(std::fs::symlink_metadata(host.root().join("names/web")).is_err());
}

#[test]
fn a_rename_that_dies_at_any_step_leaves_no_name_taken() {
    let host = Host::new();
    let names = || {
        let mut names: Vec<_> = std::fs::read_dir(host.root().join("names"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    host.ok("create --name old alpine true");
    let id = host.id("old");
    let directory = host.root().join("containers").join(&id);
    let link = |name: &str| {
        std::os::unix::fs::symlink(&id, host.root().join("names").join(name)).unwrap();
    };
    // The new name was taken, and the record not written.
    std::fs::write(directory.join("renaming"), "old\nnew\n").unwrap();
    link("new");
    host.ok("rename old new");
    assert_eq!(names(), ["new"]);
    // It was written, and the old name not given back.
    std::fs::write(directory.join("renaming"), "old\nnew\n").unwrap();
    link("old");
    host.ok("rename new newer");
    assert_eq!(names(), ["newer"]);
    std::fs::write(directory.join("renaming"), "new\nnewer\n").unwrap();
    link("new");
    host.ok("rm newer");
    assert!(names().is_empty());
}
