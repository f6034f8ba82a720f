//! State that somebody wrote over, deleted, or had no room to write: errors name
//! the file, other containers are not hidden, and nothing is left for good.

use std::fs;
use std::path::PathBuf;

use crate::harness::{Host, eventually};

const GARBAGE: &str = "garbage\n{]\n\0";

fn container(host: &Host, id: &str) -> PathBuf {
    host.root().join("containers").join(id)
}

fn run_dir(host: &Host, id: &str) -> PathBuf {
    host.run_root().join("containers").join(id)
}

fn damaged(path: &std::path::Path, id: &str) -> String {
    format!(
        "rbox: read {}: expected value at line 1 column 1\nhint: `rbox rm -f {}` removes what is \
         left of the container\n",
        path.display(),
        &id[..12]
    )
}

#[test]
fn a_damaged_record_hides_no_other_container_and_can_be_removed() {
    let host = Host::new();
    host.ok("run -d --name fine alpine sleep 1000");
    for start in ["create", "run -d"] {
        let id = host.ok(&format!("{start} --name bad -p 8080:80 alpine sleep 1000"));
        let path = container(&host, &id).join("config.json");
        fs::write(&path, GARBAGE).unwrap();
        let listed = host.rbox(&["ps", "-a", "--format", "{{.Names}}"]);
        assert_eq!(listed.stderr, damaged(&path, &id));
        assert_eq!(listed.ok(), "fine");
        let failed = format!(
            "rbox: read {}: expected value at line 1 column 1",
            path.display()
        );
        for line in ["inspect", "logs", "stop"] {
            let said = host.fails(1, &format!("{line} {id}"));
            assert!(said.starts_with(&failed), "{line}: {said}");
        }
        host.ok("run --rm alpine true");
        host.ok(&format!("rm -f {id}"));
        assert_eq!(host.rbox(&["ps", "-a"]).stderr, "");
        // The name, too: it is not in the record any more.
        assert_eq!(host.sh("ls $RBOX_ROOT/names").ok(), "fine");
    }
    host.ok("rm -f fine");
    host.nothing_is_left();
}

#[test]
fn a_container_whose_record_was_damaged_while_it_ran_is_undone_when_its_monitor_dies() {
    let host = Host::new();
    let id = host.ok("run -d --name bad -p 8080:80 alpine sleep 1000");
    let monitor = host.monitor("bad");
    let path = container(&host, &id).join("config.json");
    fs::write(&path, GARBAGE).unwrap();
    crate::harness::kill(monitor);
    eventually("what is left", || {
        let listed = host.rbox(&["ps", "-a"]);
        assert_eq!(listed.code, 0);
        assert_eq!(listed.stderr, damaged(&path, &id));
        (!run_dir(&host, &id).exists()).then_some(())
    });
    host.ok("run --rm -p 8080:80 alpine true");
    host.ok("rm -f bad");
    host.nothing_is_left();
}

#[test]
fn damaged_states_are_named() {
    let host = Host::new();
    let id = host.ok("run -d --name bad alpine sleep 1000");
    let path = run_dir(&host, &id).join("state.json");
    fs::write(&path, GARBAGE).unwrap();
    let listed = host.rbox(&["ps"]);
    assert_eq!(
        listed.stderr,
        format!(
            "rbox: read state of container {id}: expected value at line 1 column 1\nhint: `rbox rm \
             -f {}` removes what is left of the container\n",
            &id[..12]
        )
    );
    assert_eq!(listed.code, 0);
    host.ok("rm -f bad");
    let id = host.ok("create --name bad alpine sleep 1000");
    let path = container(&host, &id).join("state.json");
    fs::write(&path, GARBAGE).unwrap();
    assert_eq!(host.rbox(&["ps", "-a"]).stderr, damaged(&path, &id));
    let said = host.fails(1, "start bad");
    assert!(
        said.starts_with(&format!("rbox: read {}: ", path.display())),
        "{said}"
    );
    host.ok("rm bad");
    host.nothing_is_left();
}

#[test]
fn without_a_readable_journal_what_was_made_is_found_by_its_owner() {
    let host = Host::new();
    host.ok("network create --subnet 10.9.0.0/24 lan");
    host.ok("network create --ipv6 --subnet 10.8.0.0/24 --subnet fd08::/64 wan");
    for stop in ["kill", "stop", "rm"] {
        let id = host.ok(
            "run -d --name bad --network lan --network wan -p 8080:80 -p 127.0.0.1:8081:81/udp \
             alpine sleep 1000",
        );
        fs::write(run_dir(&host, &id).join("journal"), GARBAGE).unwrap();
        match stop {
            "kill" => host.kill_monitor("bad"),
            "stop" => drop(host.ok("stop -t 0 bad")),
            _ => drop(host.ok("rm -f bad")),
        }
        assert_eq!(host.rbox(&["ps", "-a"]).stderr, "");
        assert_eq!(
            host.sh("ls -A $RBOX_RUN_ROOT/containers").ok(),
            "",
            "{stop}"
        );
        for network in ["lan", "wan"] {
            let dir = host.run_root().join("networks").join(network);
            for part in ["leases", "endpoints"] {
                assert_eq!(fs::read_dir(dir.join(part)).unwrap().count(), 0, "{stop}");
            }
        }
        assert_eq!(host.sh("ls /run/netns").ok(), "");
        let ruleset = host.sh("nft list ruleset").ok();
        assert!(
            !ruleset.contains(&id) && !ruleset.contains("8080"),
            "{ruleset}"
        );
        host.rbox(&["rm", "bad"]);
    }
    host.ok("network rm lan wan");
    host.nothing_is_left();
}

#[test]
fn a_run_directory_that_was_deleted_is_lived_without() {
    let host = Host::new();
    let id = host.ok("run -d --name bad -p 8080:80 alpine sleep 1000");
    fs::remove_dir_all(run_dir(&host, &id)).unwrap();
    let listed = host.rbox(&["ps", "-a", "--format", "{{.Names}} {{.Status}}"]);
    assert_eq!(listed.stderr, "");
    assert_eq!(listed.ok(), "bad Created");
    // It runs on, so it does not start again; removing it ends it.
    assert_eq!(host.rbox(&["start", "bad"]).code, 1);
    host.ok("rm -f bad");
    host.nothing_is_left();
    // Of a dead one nobody knows what it had, but that it is dead.
    host.ok("network create --subnet 10.9.0.0/29 lan");
    let id = host.ok("run -d --name bad --network lan alpine sleep 1000");
    host.kill_monitor("bad");
    fs::remove_dir_all(run_dir(&host, &id)).unwrap();
    host.ok("network rm lan");
    host.ok("rm bad");
    host.sh("rm /run/netns/rbox-bad").ok();
    host.nothing_is_left();
}

#[test]
fn leases_of_the_dead_are_taken_over() {
    let host = Host::new();
    // .1 is the gateway's: five are left.
    host.ok("network create --subnet 10.9.0.0/29 lan");
    host.ok("run -d --name alive --network lan --ip 10.9.0.6 alpine sleep 1000");
    let leases = host.run_root().join("networks/lan/leases");
    for number in 2..6 {
        fs::write(leases.join(format!("10.9.0.{number}")), "d".repeat(64)).unwrap();
    }
    host.ok("run --rm --network lan --ip 10.9.0.4 alpine true");
    for number in 0..4 {
        host.ok(&format!(
            "run -d --name box{number} --network lan alpine sleep 1000"
        ));
    }
    let said = host.fails(125, "run --rm --network lan alpine true");
    assert!(
        said.contains("no available IPv4 addresses on this network's address pools: lan ("),
        "{said}"
    );
}

#[test]
fn what_was_not_made_to_the_end_is_swept_by_who_looks() {
    let host = Host::new();
    let id = "ab".repeat(32);
    let dir = container(&host, &id);
    let half_made = || {
        fs::create_dir_all(dir.join("upper")).unwrap();
        fs::create_dir_all(host.root().join("names")).unwrap();
        std::os::unix::fs::symlink(&id, host.root().join("names/web")).unwrap();
    };
    half_made();
    assert_eq!(host.ok("ps -aq"), "");
    host.nothing_is_left();
    half_made();
    host.ok("create --name web alpine true");
    assert!(!dir.exists());
    host.ok("rm web");
    half_made();
    assert_eq!(
        host.fails(1, "start web"),
        "rbox: No such container: web\nrbox: failed to start containers: web"
    );
    assert_eq!(host.ok("rm web"), "web");
    // A run directory whose maker had no time to lock it.
    fs::create_dir_all(run_dir(&host, &id)).unwrap();
    assert_eq!(host.ok("ps -aq"), "");
    host.nothing_is_left();
}

/// A file system so small that it fills up.
struct Tiny(PathBuf);

impl Tiny {
    fn new(path: PathBuf, inodes: usize) -> Tiny {
        use rustix::mount::{MountFlags, mount};
        let options = std::ffi::CString::new(format!("nr_inodes={inodes},mode=755")).unwrap();
        fs::create_dir_all(&path).unwrap();
        mount(
            "tmpfs",
            &path,
            "tmpfs",
            MountFlags::empty(),
            options.as_c_str(),
        )
        .unwrap();
        Tiny(path)
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        // A monitor may still be at the rest of what its client need not wait for.
        eventually("the end of its users", || {
            rustix::mount::unmount(&self.0, rustix::mount::UnmountFlags::empty()).ok()
        });
    }
}

#[test]
fn where_there_is_no_room_a_run_fails_and_leaves_nothing() {
    let host = Host::new();
    host.ok("network create lan");
    let line = "run --rm --name web --network lan -p 8080:80 alpine true";
    for place in [
        "root/containers",
        "root/names",
        "run/containers",
        "run/networks/lan",
    ] {
        let path = host.root().join("..").join(place);
        let mut succeeded = false;
        // Every file that is made is once the one that there is no room for.
        for inodes in 2..40 {
            let tiny = Tiny::new(path.clone(), inodes);
            let output = host.rbox(&line.split(' ').collect::<Vec<_>>());
            succeeded = output.code == 0;
            if !succeeded {
                assert_eq!(output.code, 125, "{place} {inodes}: {output:?}");
                assert!(
                    output
                        .stderr
                        .to_lowercase()
                        .contains("no space left on device"),
                    "{output:?}"
                );
            }
            assert_eq!(host.ok("ps -aq"), "", "{place} {inodes}");
            let left = || {
                let left = host.left_behind();
                left.into_iter()
                    .filter(|item| {
                        !item.contains("lan")
                            && !item.starts_with("mount ")
                            && !item.contains("br-")
                    })
                    .collect::<Vec<_>>()
            };
            crate::harness::wait_until(5, || left().is_empty());
            assert_eq!(left(), Vec::<String>::new(), "{place} {inodes} {output:?}");
            drop(tiny);
            if succeeded {
                break;
            }
        }
        assert!(succeeded, "{place}");
    }
    host.ok("network rm lan");
    host.nothing_is_left();
}
