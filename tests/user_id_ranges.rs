//! Which ids of the host a container in a user namespace gets, and for how long.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::harness::{Host, Output, leases, remapped, root_of};

const RUN_HELP: &str = "\n\nRun 'rbox run --help' for more information";

#[test]
fn two_containers_have_nothing_in_common() {
    let host = Host::new();
    for name in ["one", "two"] {
        host.ok(&format!(
            "run -d --name {name} --userns auto alpine sleep 1000"
        ));
    }
    let (one, two) = (root_of(&host, "one"), root_of(&host, "two"));
    assert!(one.abs_diff(two) >= 65_536, "{one} and {two}");
    let mut expected = vec![(one, host.id("one")), (two, host.id("two"))];
    expected.sort();
    assert_eq!(leases(&host), expected);
    host.ok("rm -f one");
    assert_eq!(leases(&host), [(two, host.id("two"))]);
    host.ok("rm -f two");
    assert_eq!(leases(&host), []);
    host.nothing_is_left();
}

#[test]
fn a_range_is_kept_over_restarts_and_over_a_boot() {
    let host = Host::new();
    host.ok("run -d --name box --userns auto alpine sleep 1000");
    let root = root_of(&host, "box");
    host.ok("restart -t 0 box");
    assert_eq!(root_of(&host, "box"), root);
    // As after a boot: nothing runs, and /run is empty.
    host.kill_monitor("box");
    host.ok("ps -a");
    fs::remove_dir_all(host.run_root()).unwrap();
    host.ok("start box");
    assert_eq!(root_of(&host, "box"), root);
    // A lease that somebody removed is taken again, one that is another's is not.
    host.ok("stop -t 0 box");
    let lease = host.root().join("user-namespaces").join(root.to_string());
    fs::remove_file(&lease).unwrap();
    host.ok("start box");
    assert_eq!(leases(&host), [(root, host.id("box"))]);
    host.ok("stop -t 0 box");
    host.ok("create --name other alpine true");
    let other = host.id("other");
    fs::remove_file(&lease).unwrap();
    std::os::unix::fs::symlink(&other, &lease).unwrap();
    let error = host.fails(1, "start box");
    let expected = format!(
        "rbox: the ids from {root} on, which the files of this container belong to, are those of \
         container {} now",
        &other[..12]
    );
    assert!(error.starts_with(&expected), "{error}");
    fs::remove_file(&lease).unwrap();
}

#[test]
fn twenty_at_once_get_ranges_of_their_own() {
    let host = Host::new();
    let start = |number| {
        host.spawn(&format!(
            "run -d --name box{number} --userns auto --network none alpine sleep 1000"
        ))
    };
    let clients: Vec<_> = (0..20).map(start).collect();
    for client in clients {
        let output = client.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
    let roots: BTreeSet<u32> = (0..20)
        .map(|number| root_of(&host, &format!("box{number}")))
        .collect();
    assert_eq!(roots.len(), 20);
    assert_eq!(leases(&host).len(), 20);
}

#[test]
fn one_that_fails_to_be_made_or_started_keeps_nothing() {
    let host = Host::new();
    host.fails(127, "run --rm --userns auto alpine nosuchcommand");
    assert_eq!(leases(&host), []);
    let cid = host.write("cid", "taken");
    host.fails(
        125,
        &format!("run --userns auto --cidfile {cid} alpine true"),
    );
    assert_eq!(leases(&host), []);
    host.ok("run --rm --userns auto alpine true");
    assert_eq!(leases(&host), []);
    assert_eq!(
        host.fails(
            125,
            "run --rm --userns auto:size=1000 --user 1000 alpine true"
        ),
        format!("rbox: user 1000 is not in the container's user namespace{RUN_HELP}")
    );
    host.nothing_is_left();
}

#[test]
fn as_many_ids_as_are_asked_for() {
    let host = Host::new();
    let script = "awk '{print $1, $3}' /proc/self/uid_map /proc/self/gid_map; \
                  stat -c %u:%g /dev/pts /dev/pts/ptmx /tmp; chown 3 /tmp/ || echo no 3";
    for (size, expected) in [
        (1, "0 1\n0 1\n0:0\n0:0\n0:0\nno 3"),
        (1000, "0 1000\n0 1000\n0:0\n0:0\n0:0"),
        (200_000, "0 200000\n0 200000\n0:0\n0:0\n0:0"),
    ] {
        let output = host.shell(&format!("-u 0:0 --userns auto:size={size}"), script);
        assert_eq!(output.ok(), expected, "{size}");
    }
}

#[test]
fn the_whole_engine_can_be_remapped() {
    let host = Host::new();
    let map = "awk '{print $1, $2, $3}' /proc/self/uid_map /proc/self/gid_map";
    assert_eq!(
        remapped(&host, "default", "", map).ok(),
        "0 1879048192 65536\n0 1879048192 65536"
    );
    let _subuid = host.file_instead(
        "/etc/passwd",
        "root:x:0:0::/root:/bin/sh\nme:x:1234:1234::/:\n",
    );
    assert_eq!(
        remapped(&host, "me", "", map).fails(125),
        format!(
            "rbox: RBOX_USERNS_REMAP: no subordinate user ids for \"me\" in /etc/subuid{RUN_HELP}"
        )
    );
    assert_eq!(
        remapped(&host, "a:b:c", "", map).fails(125),
        format!("rbox: RBOX_USERNS_REMAP: invalid user namespace remapping: \"a:b:c\"{RUN_HELP}")
    );
    // One container out of it, as in Docker, and one with ids of its own.
    assert_eq!(
        remapped(&host, "default", "--userns host", map).ok(),
        "0 0 4294967295\n0 0 4294967295"
    );
    assert!(
        !remapped(&host, "default", "--userns auto", map)
            .ok()
            .contains("1879048192")
    );
    assert_eq!(leases(&host), []);
}

#[test]
fn what_was_made_with_a_mapping_keeps_it() {
    let host = Host::new();
    let mut create = host.command(&[
        "create",
        "--name",
        "box",
        "alpine",
        "cat",
        "/proc/self/uid_map",
    ]);
    assert!(
        create
            .env("RBOX_USERNS_REMAP", "default")
            .status()
            .unwrap()
            .success()
    );
    let map = host.ok("start -a box");
    assert_eq!(
        map.split_whitespace().collect::<Vec<_>>(),
        ["0", "1879048192", "65536"]
    );
    let mut start = host.command(&["start", "-a", "box"]);
    let again = start
        .env("RBOX_USERNS_REMAP", "nobody-there")
        .output()
        .unwrap();
    assert_eq!(Output::new("start".into(), again).ok(), map);
}

#[test]
fn inspect_shows_the_mode() {
    let host = Host::new();
    host.ok("create --name box --userns auto:size=2000 alpine true");
    assert_eq!(
        host.ok("inspect -f {{.HostConfig.UsernsMode}} box"),
        "auto:size=2000"
    );
    host.ok("create --name plain alpine true");
    assert_eq!(host.ok("inspect -f {{.HostConfig.UsernsMode}} plain"), "");
}

#[test]
fn the_pool_is_that_of_containers_in_subuid_where_there_is_one() {
    let host = Host::new();
    for path in ["/etc/subuid", "/etc/subgid"] {
        if !Path::new(path).exists() {
            eprintln!("SKIPPED user_namespaces::the_pool: {path} is missing");
            return;
        }
    }
    let line = "containers:655360:131072\n";
    let _uids = host.file_instead("/etc/subuid", line);
    let _gids = host.file_instead("/etc/subgid", line);
    host.ok("create --name one --userns auto alpine true");
    host.ok("create --name two --userns auto alpine true");
    let firsts: Vec<u32> = leases(&host).into_iter().map(|(first, _)| first).collect();
    assert_eq!(firsts, [655_360, 720_896]);
    assert_eq!(
        host.fails(1, "create --userns auto alpine true"),
        "rbox: --userns=auto: all 2 ranges of ids are taken"
    );
    host.ok("rm one");
    host.ok("create --name three --userns auto alpine true");
}
