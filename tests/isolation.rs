//! What a container sees and cannot reach: namespaces, capabilities, seccomp,
//! masked paths, devices, mounts, descriptors.

use crate::harness::Host;

#[test]
fn a_container_has_namespaces_of_its_own() {
    let host = Host::new();
    let links = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
    let script = "for n in mnt pid net ipc uts user; do readlink /proc/self/ns/$n; done";
    let inside = links(&host.shell("", script).ok());
    let outside = links(&host.sh(script).ok());
    assert_eq!(inside.len(), 6, "{inside:?}");
    for (inside, outside) in inside.iter().zip(&outside).take(5) {
        assert_ne!(inside, outside);
    }
    assert_eq!(inside[5], outside[5], "users are the host's");
}

#[test]
fn root_inside_has_dockers_capabilities_and_filter() {
    let host = Host::new();
    let status = host
        .shell("", "grep -E 'Cap|NoNewPrivs|Seccomp' /proc/self/status")
        .ok();
    assert_eq!(
        status,
        "CapInh:\t0000000000000000\nCapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fb\n\
         CapBnd:\t00000000a80425fb\nCapAmb:\t0000000000000000\nNoNewPrivs:\t0\nSeccomp:\t2\n\
         Seccomp_filters:\t1"
    );
}

#[test]
fn what_docker_forbids_by_default_is_forbidden() {
    let host = Host::new();
    for (command, error) in [
        (
            "unshare -m true",
            "unshare: unshare(0x20000): Operation not permitted",
        ),
        (
            "mount -t tmpfs x /mnt",
            "mount: permission denied (are you root?)",
        ),
        ("dmesg", "dmesg: klogctl: Operation not permitted"),
        (
            "hostname newname",
            "hostname: sethostname: Operation not permitted",
        ),
        (
            "cat /dev/mem",
            "cat: can't open '/dev/mem': No such file or directory",
        ),
        (
            "umount /proc/sys",
            "umount: can't unmount /proc/sys: Operation not permitted",
        ),
        (
            "ip link add d0 type bridge",
            "ip: RTNETLINK answers: Operation not permitted",
        ),
    ] {
        let output = host.shell("", command);
        assert_ne!(output.code, 0, "{command}");
        assert_eq!(output.stderr.trim_end(), error, "{command}");
    }
    // The node may be made; what it stands for cannot be opened.
    let output = host.shell("", "mknod /tmp/disk b 8 0 && head -c1 /tmp/disk");
    assert_eq!(
        output.stderr.trim_end(),
        "head: /tmp/disk: Operation not permitted"
    );
}

#[test]
fn settings_of_the_kernel_are_hidden_or_read_only() {
    let host = Host::new();
    let refused = host.shell(
        "",
        "echo 1 > /proc/sys/kernel/panic; echo x > /proc/irq/default_smp_affinity; \
         echo x > /sys/kernel/profiling; mkdir /sys/fs/cgroup/x /sys/fs/cgroup/memory/x; \
         mkdir /sys/fs/cgroup/memory",
    );
    for line in refused
        .stderr
        .lines()
        .filter(|line| !line.contains("File exists"))
    {
        let text = [
            "Read-only file system",
            "nonexistent directory",
            "No such file",
        ];
        let own_tmpfs = line.contains("'/sys/fs/cgroup/x'");
        assert!(
            own_tmpfs || text.iter().any(|text| line.contains(text)),
            "{line}"
        );
    }
    assert!(
        refused
            .stderr
            .contains("/proc/sys/kernel/panic: Read-only file system")
    );
    let empty = host
        .shell(
            "",
            "cat /proc/keys /proc/timer_list /proc/kcore 2>/dev/null | wc -c; ls /sys/firmware",
        )
        .ok();
    assert_eq!(empty.trim(), "0");
    // Written bytes go nowhere, and the masks stay.
    host.shell(
        "",
        "! echo x > /sys/firmware/x; echo x > /proc/keys && test ! -s /proc/keys",
    )
    .ok();
}

#[test]
fn the_masks_can_be_left_out() {
    let host = Host::new();
    let mounts = "mount | grep -E ' /(proc|sys/firmware)' | cut -d' ' -f3";
    let masked = host.shell("", mounts).ok();
    assert!(masked.lines().any(|line| line == "/proc/sys"), "{masked}");
    let open = host
        .shell("--security-opt systempaths=unconfined", mounts)
        .ok();
    assert_eq!(open, "/proc");
}

#[test]
fn dev_holds_dockers_nodes_and_nothing_else() {
    let host = Host::new();
    let names = host.shell("", "ls /dev | tr '\\n' ' '").ok();
    assert_eq!(
        names,
        "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero "
    );
    let nodes = host.shell(
        "",
        "stat -c '%n %a %t,%T' /dev/full /dev/null /dev/tty; readlink /dev/ptmx; readlink /dev/fd",
    );
    assert_eq!(
        nodes.ok(),
        "/dev/full 666 1,7\n/dev/null 666 1,3\n/dev/tty 666 5,0\npts/ptmx\n/proc/self/fd"
    );
}

#[test]
fn the_mounts_are_those_of_docker() {
    let host = Host::new();
    let table = host.shell("", "mount | grep -v cgroup").ok();
    let lines: Vec<&str> = table.lines().collect();
    assert!(
        lines[0].starts_with("overlay on / type overlay (rw,relatime,lowerdir"),
        "{}",
        lines[0]
    );
    for expected in [
        "proc on /proc type proc (rw,nosuid,nodev,noexec,relatime)",
        "tmpfs on /dev type tmpfs (rw,nosuid,size=65536k,mode=755)",
        "devpts on /dev/pts type devpts (rw,nosuid,noexec,relatime,gid=5,mode=620,ptmxmode=666)",
        "sysfs on /sys type sysfs (ro,nosuid,nodev,noexec,relatime)",
        "mqueue on /dev/mqueue type mqueue (rw,nosuid,nodev,noexec,relatime)",
        "shm on /dev/shm type tmpfs (rw,nosuid,nodev,noexec,relatime,size=65536k)",
        "proc on /proc/bus type proc (ro,nosuid,nodev,noexec,relatime)",
        "proc on /proc/fs type proc (ro,nosuid,nodev,noexec,relatime)",
        "proc on /proc/irq type proc (ro,nosuid,nodev,noexec,relatime)",
        "proc on /proc/sys type proc (ro,nosuid,nodev,noexec,relatime)",
        "tmpfs on /proc/keys type tmpfs (rw,nosuid,size=65536k,mode=755)",
        "tmpfs on /sys/firmware type tmpfs (ro,relatime)",
    ] {
        assert!(
            lines.contains(&expected),
            "{expected} is missing in\n{table}"
        );
    }
    for file in ["/etc/resolv.conf", "/etc/hostname", "/etc/hosts"] {
        let word = format!(" on {file} type ");
        let line = lines.iter().find(|line| line.contains(&word));
        assert!(
            line.is_some_and(|line| line.contains("(rw,")),
            "{file}: {line:?}"
        );
    }
    // Nothing of it is in the host's table.
    host.ok("run -d --name box alpine sleep 1000");
    let mounts = host.sh("cat /proc/self/mountinfo").ok();
    assert!(
        !mounts.contains("overlay / ") && !mounts.contains(&host.id("box")),
        "{mounts}"
    );
}

#[test]
fn the_sysctls_of_a_network_of_its_own_are_dockers() {
    let host = Host::new();
    let values = host
        .shell(
            "",
            "cd /proc/sys/net/ipv4; cat ip_unprivileged_port_start ping_group_range",
        )
        .ok();
    assert_eq!(values, "0\n0\t2147483647");
    host.shell("-u 1000 --cap-drop ALL", "nc -l -p 80 -w 1")
        .fails(1);
    let kept = "sysctl -n net.ipv4.ping_group_range";
    assert_eq!(host.shell("--network host", kept).ok(), host.sh(kept).ok());
}

#[test]
fn no_descriptor_of_the_host_gets_inside() {
    let host = Host::new();
    let list = "for f in /proc/self/fd/*; do echo ${f##*/}; done";
    let run = |what: &str| {
        host.sh(&format!("exec 7</etc/passwd 8>&1; exec $RBOX {what}"))
            .ok()
    };
    // The shell itself has one more open: the directory that it reads.
    assert_eq!(
        run(&format!("run --rm alpine sh -c '{list}'")),
        "0\n1\n2\n3"
    );
    run("run -d --name box alpine sleep 1000");
    assert_eq!(run(&format!("exec box sh -c '{list}'")), "0\n1\n2\n3");
    let kept = host
        .sh(&format!("readlink /proc/{}/fd/*", host.monitor("box")))
        .ok();
    assert!(
        !kept.contains("/etc/passwd"),
        "the monitor keeps what its user had open: {kept}"
    );
}

#[test]
fn a_working_directory_never_leads_out() {
    let host = Host::new();
    host.ok("run -d --name box alpine sleep 1000");
    for number in 3..16 {
        let path = format!("/proc/self/fd/{number}");
        let output = host.rbox(&[
            "run",
            "--rm",
            "-w",
            &path,
            "alpine",
            "cat",
            "etc/os-release",
        ]);
        assert!(
            output.code == 125 || output.stderr.contains("can't open"),
            "{output:?}"
        );
        let output = host.rbox(&["exec", "-w", &path, "box", "cat", "etc/os-release"]);
        assert!(output.code != 0, "{output:?}");
        for up in ["/../..", "/../../../../.."] {
            let path = format!("{path}{up}");
            host.rbox(&["run", "--rm", "-w", &path, "alpine", "pwd"])
                .fails(125);
        }
    }
}
