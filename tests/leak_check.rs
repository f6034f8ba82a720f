//! The check that ends every story finds a leak of each kind.

use std::fs;
use std::path::Path;

use crate::harness::Host;

/// What the check says after `leak`; nothing is said again after `mend`.
#[track_caller]
fn finds(host: &Host, what: &str, leak: impl FnOnce(), mend: impl FnOnce()) {
    host.nothing_is_left();
    leak();
    let left = host.left_behind();
    assert!(
        left.iter().any(|item| item.contains(what)),
        "no {what:?} in {left:?}"
    );
    mend();
    host.nothing_is_left();
}

#[test]
fn links_and_names_of_namespaces_are_found() {
    let host = Host::new();
    let sh = |line: &'static str| {
        let host = &host;
        move || drop(host.sh(line).ok())
    };
    finds(
        &host,
        "link stray",
        sh("ip link add stray type bridge"),
        sh("ip link del stray"),
    );
    finds(
        &host,
        "link vethstray",
        sh("ip link add vethstray type veth peer name other"),
        sh("ip link del other"),
    );
    let (add, remove) = ("ip netns add rbox-stray", "ip netns del rbox-stray");
    finds(&host, "network namespace rbox-stray", sh(add), sh(remove));
    // `ip netns` makes the directory a mount of its own; so does the first container.
    finds(
        &host,
        "network namespace rbox-stray",
        sh("touch /run/netns/rbox-stray"),
        sh("rm /run/netns/rbox-stray"),
    );
}

#[test]
fn firewall_elements_and_tables_are_found() {
    let host = Host::new();
    host.ok("run --rm -p 8080:80 alpine true");
    let map = "inet rbox published4-any";
    let add = format!("nft add element {map} '{{ tcp . 9090 : 172.17.0.9 . 80 }}'");
    let known = host.sh(&format!("nft list map {map}"));
    assert_eq!(
        known.code,
        0,
        "{}\n{known:?}",
        host.sh("nft list ruleset").stdout
    );
    finds(
        &host,
        "nft element of",
        || drop(host.sh(&add).ok()),
        || {
            drop(
                host.sh(&format!("nft delete element {map} '{{ tcp . 9090 }}'"))
                    .ok(),
            )
        },
    );
    finds(
        &host,
        "nft table \"stray\"",
        || drop(host.sh("nft add table inet stray").ok()),
        || drop(host.sh("nft delete table inet stray").ok()),
    );
}

#[test]
fn mounts_are_found() {
    let host = Host::new();
    let path = host.scratch();
    let path = path.to_str().unwrap();
    finds(
        &host,
        &format!("mount {path}"),
        || drop(host.sh(&format!("mount -t tmpfs tmpfs {path}")).ok()),
        || drop(host.sh(&format!("umount {path}")).ok()),
    );
}

#[test]
fn leases_records_and_run_directories_are_found() {
    let host = Host::new();
    let id = "cd".repeat(32);
    for (path, what) in [
        (
            "run/networks/lan/leases/10.9.0.2",
            "leases of network lan: 10.9.0.2",
        ),
        (
            "run/networks/lan/leases/.draft",
            "leases of network lan: .draft",
        ),
        (
            "run/networks/lan/endpoints/x.json",
            "endpoints of network lan: x.json",
        ),
        ("root/names/stray", "record in names: stray"),
        (
            &format!("root/containers/{id}"),
            "record in containers: cdcd",
        ),
        (
            "root/containers/.removing-x",
            "record in containers: .removing-x",
        ),
        (
            &format!("run/containers/{id}"),
            "run directory of container cdcd",
        ),
    ] {
        let path = host.root().parent().unwrap().join(path);
        let leak = || {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &id).unwrap();
        };
        finds(&host, what, leak, || fs::remove_file(&path).unwrap());
    }
}

#[test]
fn cgroups_are_found() {
    let host = Host::new();
    let id = format!("ef{}", "0123456789".repeat(7).split_at(62).0);
    // So that the checks of other tests, which share the machine's cgroups, know whose it is.
    let run_dir = host.run_root().join("containers").join(&id);
    fs::create_dir_all(&run_dir).unwrap();
    let group = [
        Path::new("/sys/fs/cgroup/pids"),
        Path::new("/sys/fs/cgroup"),
    ]
    .into_iter()
    .find(|root| root.join("cgroup.procs").exists())
    .unwrap()
    .join("rbox")
    .join(&id);
    fs::create_dir_all(&group).unwrap();
    let left = host.left_behind();
    fs::remove_dir(&group).unwrap();
    let _ = fs::remove_dir(group.parent().unwrap());
    fs::remove_dir(&run_dir).unwrap();
    assert!(
        left.iter()
            .any(|item| item.starts_with("cgroup ") && item.contains(&id)),
        "{left:?}"
    );
    host.nothing_is_left();
}

#[test]
fn processes_are_found() {
    let host = Host::new();
    let run = || drop(host.ok("run -d --name web alpine sleep 1000"));
    let pid = std::cell::Cell::new(0);
    finds(
        &host,
        "process ",
        || {
            run();
            pid.set(host.monitor("web"));
        },
        || drop(host.ok("rm -f web")),
    );
    assert!(pid.get() > 0);
}

#[test]
fn a_test_that_leaks_fails() {
    // In a thread of its own: there the check panics as the host is dropped.
    let test = std::thread::spawn(|| {
        let host = Host::new();
        host.sh("ip link add stray type bridge").ok();
    });
    let message = test.join().unwrap_err();
    let message = message.downcast_ref::<String>().unwrap();
    assert!(
        message.starts_with("left behind: ") && message.contains("link stray"),
        "{message}"
    );
}
