//! Volumes that are other filesystems: in memory, directories of the host.

use std::fs;
use std::path::PathBuf;

use crate::harness::{Host, eventually, skip};

const MEMORY: &str = "volume create -o type=tmpfs -o device=tmpfs -o o=size=1m,mode=750 memory";

fn data(host: &Host, volume: &str) -> PathBuf {
    host.root().join("volumes").join(volume).join("_data")
}

fn is_mounted(host: &Host, volume: &str) -> bool {
    let mounts = fs::read_to_string("/proc/thread-self/mountinfo").unwrap();
    mounts.contains(&format!(" {} ", data(host, volume).display()))
}

/// A client hears of the end before the kernel's part of it is done.
fn gone(host: &Host) {
    eventually("the last one's end takes it off", || {
        (!is_mounted(host, "memory")).then_some(())
    });
}

#[test]
fn memory_is_shared_by_all_that_run_and_gone_with_the_last() {
    let host = Host::new();
    host.ok(MEMORY);
    assert!(!is_mounted(&host, "memory"));
    let script = "mount | grep -o '^tmpfs on /m type tmpfs (rw.*size=1024k,mode=750'; ls -A /m";
    let mounted = host.shell("-v memory:/m", script).ok();
    assert!(
        mounted.starts_with("tmpfs on /m type tmpfs (rw,"),
        "{mounted}"
    );
    gone(&host);
    host.ok("run -d --name first -v memory:/m alpine sleep 1000");
    host.ok("run -d --name second -v memory:/m:ro alpine sleep 1000");
    host.rbox(&["exec", "first", "sh", "-c", "echo shared > /m/file"])
        .ok();
    assert_eq!(host.ok("exec second cat /m/file"), "shared");
    assert!(is_mounted(&host, "memory"));
    assert_eq!(
        fs::read_to_string(data(&host, "memory").join("file")).unwrap(),
        "shared\n"
    );
    assert!(
        host.fails(1, "volume rm -f memory")
            .contains("volume is in use")
    );
    host.ok("kill first");
    host.ok("wait first");
    assert_eq!(host.ok("exec second cat /m/file"), "shared");
    host.ok("kill second");
    gone(&host);
    host.ok("start first");
    assert_eq!(host.ok("exec first ls -A /m"), "");
    // Also where nobody is left to do it.
    host.kill_monitor("first");
    eventually("somebody else takes it off", || {
        host.ok("ps -aq");
        (!is_mounted(&host, "memory")).then_some(())
    });
    host.fails(127, "run --rm -v memory:/m alpine /no/such/program");
    assert!(!is_mounted(&host, "memory"));
    host.ok("rm first second");
    // Prune leaves those with options, as Docker does.
    assert_eq!(host.ok("volume prune -a -f"), "Total reclaimed space: 0B");
    assert_eq!(host.ok("volume rm memory"), "memory");
}

#[test]
fn memory_in_a_user_namespace_has_its_ids() {
    let host = Host::new();
    host.ok(MEMORY);
    let output = host.shell(
        "--userns auto -v memory:/m",
        "touch /m/x; stat -c %u:%g /m /m/x",
    );
    if output.stderr.contains("cannot be mounted with mapped ids") {
        skip(
            "memory_in_a_user_namespace_has_its_ids",
            "this kernel has no tmpfs with mapped ids (Linux 6.3)",
        );
    } else {
        assert_eq!(output.ok(), "0:0\n0:0");
    }
    host.ok("volume rm memory");
}

#[test]
fn a_directory_of_the_host_has_a_name() {
    let host = Host::with_own_images();
    host.build(
        "FROM alpine\nRUN mkdir /data && echo image > /data/file && chown 7:8 /data\n",
        "-q -t filled",
    )
    .ok();
    let directory = host.scratch().join("srv");
    fs::create_dir(&directory).unwrap();
    let device = directory.display().to_string();
    host.ok(&format!(
        "volume create -o type=none -o o=bind -o device={device} srv"
    ));
    let options = host
        .rbox(&["volume", "inspect", "-f", "{{json .Options}}", "srv"])
        .ok();
    assert_eq!(
        options,
        format!("{{\"device\":\"{device}\",\"o\":\"bind\",\"type\":\"none\"}}")
    );
    // Filled as any empty volume.
    assert_eq!(
        host.ok("run --rm -v srv:/data filled stat -c %u:%g /data"),
        "7:8"
    );
    assert_eq!(
        fs::read_to_string(directory.join("file")).unwrap(),
        "image\n"
    );
    host.shell("-v srv:/x", "echo changed > /x/file").ok();
    assert_eq!(
        fs::read_to_string(directory.join("file")).unwrap(),
        "changed\n"
    );
    host.ok(&format!(
        "volume create -o type=none -o o=bind,ro -o device={device} fixed"
    ));
    let script = "cat /x/file; touch /x/new 2>&1 | grep -c Read-only";
    assert_eq!(host.shell("-v fixed:/x", script).ok(), "changed\n1");
    // By `run` itself.
    let mount = format!(
        "--mount type=volume,src=more,dst=/x,volume-opt=type=none,volume-opt=o=bind,volume-opt=device={device}"
    );
    assert_eq!(host.shell(&mount, "cat /x/file").ok(), "changed");
    for name in ["srv", "fixed", "more"] {
        host.ok(&format!("volume rm {name}"));
    }
    assert_eq!(
        fs::read_to_string(directory.join("file")).unwrap(),
        "changed\n"
    );
}

#[test]
fn what_cannot_be_mounted_is_told_and_leaves_nothing() {
    let host = Host::new();
    let missing = host.scratch().join("missing").display().to_string();
    host.ok(&format!(
        "volume create -o type=none -o o=bind -o device={missing} gone"
    ));
    let path = data(&host, "gone").display().to_string();
    let text = format!(
        "rbox: error while mounting volume '{path}': failed to mount local volume: mount \
         {missing}:{path}, type none: No such file or directory"
    );
    let error = host.shell("-v gone:/x", "true").fails(125);
    assert!(error.starts_with(&text), "{error}");
    let error = host.shell("-v gone:/etc", "true").fails(125);
    assert!(error.starts_with(&text), "{error}");
    host.ok("volume create -o type=bogusfs -o device=none bogus");
    let error = host.shell("-v bogus:/etc", "true").fails(125);
    assert!(
        error.contains("\nhint: this kernel has no filesystem bogusfs: "),
        "{error}"
    );
    assert_eq!(
        host.fails(
            1,
            "volume create -o type=nfs -o device=:/x -o o=addr=server nn"
        ),
        "rbox: create nn: type \"nfs\" needs the server's address: o=addr=IP,…"
    );
    assert_eq!(host.ok("ps -aq"), "");
    assert!(!is_mounted(&host, "gone") && !is_mounted(&host, "bogus"));
    host.ok("volume rm gone bogus");
}
