//! Namespaces that a container shares with the host or with another.

use crate::harness::Host;

const RUN_HELP: &str = "\n\nRun 'rbox run --help' for more information";

#[test]
fn processes_of_the_host_or_of_another_container_are_seen() {
    let host = Host::new();
    let pid = host.shell("--pid host", "echo $$").ok();
    assert!(pid.parse::<u32>().unwrap() > 1);
    let own = host.sh("readlink /proc/self/ns/pid").ok();
    assert_eq!(
        host.shell("--pid host", "readlink /proc/self/ns/pid").ok(),
        own
    );
    host.ok("run -d --name box alpine sleep 1000");
    let table = host
        .shell("--pid container:box", "ps -o pid,args | head -2")
        .ok();
    assert_eq!(table, "PID   COMMAND\n    1 sleep 1000");
    // The other's processes may be ended, and it stays a container of its own.
    host.shell("--pid container:box", "kill -9 1; readlink /proc/1/ns/mnt")
        .ok();
    let id = host.id("box");
    host.ok("rm -f box");
    assert_eq!(
        host.shell(&format!("--pid container:{id}"), "true")
            .fails(125),
        format!("rbox: No such container: {id}{RUN_HELP}")
    );
}

#[test]
fn a_container_that_shares_processes_ends_with_the_other() {
    let host = Host::new();
    host.ok("run -d --name box alpine sleep 1000");
    host.ok("run -d --name other --pid container:box alpine sleep 1001");
    host.ok("kill box");
    assert_eq!(host.ok("wait other"), "137");
    assert_eq!(
        host.fails(1, "start other").lines().next().unwrap(),
        format!(
            "rbox: cannot join PID of a non running container: {}",
            host.id("box")
        )
    );
}

#[test]
fn shared_memory_is_private_unless_it_is_shareable() {
    let host = Host::new();
    let namespace = "readlink /proc/self/ns/ipc";
    host.ok("run -d --name box alpine sleep 1000");
    let id = host.id("box");
    assert_eq!(
        host.shell("--ipc container:box", "true").fails(125),
        format!(
            "rbox: can't join IPC of container {id}: non-shareable IPC (hint: use \
             IpcMode:shareable for the donor container){RUN_HELP}"
        )
    );
    host.ok("run -d --name donor --ipc shareable alpine sleep 1000");
    host.rbox(&["exec", "donor", "sh", "-c", "echo shared > /dev/shm/x"])
        .ok();
    let script = format!("cat /dev/shm/x; echo back > /dev/shm/y; {namespace}");
    let text = host.shell("--ipc container:donor", &script).ok();
    assert_eq!(
        text,
        format!(
            "shared\n{}",
            host.ok("exec donor readlink /proc/self/ns/ipc")
        )
    );
    assert_eq!(host.ok("exec donor cat /dev/shm/y"), "back");
    assert_eq!(
        host.shell("--ipc host", namespace).ok(),
        host.sh(namespace).ok()
    );
    host.shell(
        "--ipc none",
        "test ! -e /dev/shm/x && ! mount | grep -q /dev/shm",
    )
    .ok();
    host.shell("", "test ! -e /dev/shm/x").ok();
}

#[test]
fn the_size_of_shared_memory_is_chosen() {
    let host = Host::new();
    let line = host.shell("--shm-size 1m", "mount | grep /dev/shm").ok();
    assert_eq!(
        line,
        "shm on /dev/shm type tmpfs (rw,nosuid,nodev,noexec,relatime,size=1024k)"
    );
    let fill = "head -c 2000000 /dev/zero > /dev/shm/x";
    host.shell("--shm-size 1m", fill).fails(1);
    host.shell("", fill).ok();
}

#[test]
fn host_names_are_ones_own_or_the_hosts() {
    let host = Host::new();
    assert_eq!(
        host.shell("--uts host", "hostname").ok(),
        host.sh("hostname").ok()
    );
    assert_eq!(
        host.shell("--uts host -h foo", "true").fails(125),
        format!("rbox: conflicting options: hostname and the UTS mode{RUN_HELP}")
    );
    let script = "hostname; echo $HOSTNAME; cat /etc/hostname; hostname -f; \
                  cat /proc/sys/kernel/domainname";
    assert_eq!(
        host.shell("-h foo --domainname example.test", script).ok(),
        "foo\nfoo\nfoo\nfoo.example.test\nexample.test"
    );
    let long = "a".repeat(65);
    assert_eq!(
        host.shell(&format!("-h {long}"), "true").fails(125),
        format!(
            "rbox: failed to create task for container: failed to create shim task: OCI runtime \
             create failed: runc create failed: unable to start container process: error during \
             container init: sethostname: invalid argument: unknown{RUN_HELP}"
        )
    );
}

#[test]
fn bad_modes_are_refused() {
    let host = Host::new();
    for (options, text) in [
        ("--pid bogus", "--pid: invalid PID mode"),
        ("--ipc bogus", "Invalid IPC mode: bogus"),
        ("--uts bogus", "--uts: invalid UTS mode"),
        ("--pid container:nosuch", "No such container: nosuch"),
        ("--ipc container:nosuch", "No such container: nosuch"),
    ] {
        let error = host.shell(options, "true").fails(125);
        assert_eq!(error, format!("rbox: {text}{RUN_HELP}"));
    }
    assert_eq!(host.ok("ps -aq"), "");
    host.shell("--userns host", "true").ok();
    let paths = host
        .shell("--cgroupns private", "cut -d: -f3 /proc/self/cgroup | uniq")
        .ok();
    assert_eq!(paths, "/");
}
