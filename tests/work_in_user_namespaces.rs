//! All that works in other containers works in a user namespace, or is refused.

use std::fs;

use crate::harness::{Host, Terminal, ask, eventually, leases, remapped};

const RUN_HELP: &str = "\n\nRun 'rbox run --help' for more information";

#[test]
fn exec_users_and_streams_work() {
    let host = Host::new();
    host.ok("run -d --name box --userns auto alpine sleep 1000");
    assert_eq!(
        host.ok("exec box id"),
        "uid=0(root) gid=0(root) groups=0(root),1(bin),2(daemon),3(sys),4(adm),6(disk),10(wheel),11(floppy),20(dialout),26(tape),27(video)"
    );
    for user in ["root", "nobody", "1000:1000"] {
        // /dev/stdout is opened anew: the pipe must be the user's.
        let script = "echo out > /dev/stdout; echo err > /dev/stderr; id -u";
        let output = host.rbox(&["exec", "-u", user, "box", "sh", "-c", script]);
        assert_eq!(output.stderr, "err\n", "{user}");
        assert!(output.ok().starts_with("out\n"), "{user}");
        let output = host.shell(&format!("--userns auto -u {user}"), script);
        assert_eq!(output.stderr, "err\n", "{user}");
        assert!(output.ok().starts_with("out\n"), "{user}");
    }
    let fed = host.sh("echo hello | $RBOX run --rm -i --userns auto alpine cat /dev/stdin");
    assert_eq!(fed.ok(), "hello");
    let fed = host.sh("echo hello | $RBOX exec -i -u 1000 box cat /dev/stdin");
    assert_eq!(fed.ok(), "hello");
    assert_eq!(host.fails(126, "exec box /etc/passwd").lines().count(), 1);
    assert_eq!(host.rbox(&["exec", "box", "sh", "-c", "exit 7"]).code, 7);
}

#[test]
fn terminals_belong_to_their_user() {
    let host = Host::new();
    host.ok("run -d --name box --userns auto alpine sleep 1000");
    for (arguments, owner) in [
        (&["run", "--rm", "-it", "--userns", "auto", "alpine"][..], 0),
        (
            &[
                "run", "--rm", "-it", "--userns", "auto", "-u", "1000", "alpine",
            ],
            1000,
        ),
        (&["exec", "-it", "box", "sh"], 0),
        (&["exec", "-it", "-u", "1000", "box", "sh"], 1000),
    ] {
        let mut screen = Terminal::start(&host.command(arguments));
        screen.expect(if owner == 0 { "# " } else { "$ " });
        screen.send("stat -c %u:%g $(tty); echo ok > /dev/tty; exit\r");
        screen.expect(&format!("\r\n{owner}:5\r\nok\r\n"));
        assert_eq!(screen.wait(), 0, "{arguments:?}");
    }
}

#[test]
fn logs_stop_init_and_a_read_only_root_work() {
    let host = Host::new();
    let script = "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.1; done";
    host.rbox(&[
        "run",
        "-d",
        "--name",
        "box",
        "--userns",
        "auto",
        "--init",
        "--read-only",
        "--tmpfs",
        "/run",
        "alpine",
        "sh",
        "-c",
        script,
    ])
    .ok();
    eventually("the first line", || {
        (host.ok("logs box") == "ready").then_some(())
    });
    assert_eq!(host.ok("exec box cat /proc/1/comm"), "docker-init");
    assert_eq!(host.ok("exec box stat -c %u:%g /run"), "0:0");
    host.ok("exec box touch /run/x");
    assert_eq!(
        host.fails(1, "exec box touch /x"),
        "touch: /x: Read-only file system"
    );
    host.ok("stop box");
    assert_eq!(host.ok("logs box"), "ready\nbye");
    assert_eq!(host.ok("inspect -f {{.State.ExitCode}} box"), "3");
}

#[test]
fn networks_names_and_published_ports_work() {
    let host = Host::new();
    host.ok("network create lan");
    let serve = "while :; do printf 'HTTP/1.0 200 OK\\r\\n\\r\\nweb\\n' | nc -l -p 80; done";
    host.rbox(&[
        "run",
        "-d",
        "--name",
        "web",
        "--userns",
        "auto",
        "--network",
        "lan",
        "-p",
        "8080:80",
        "alpine",
        "sh",
        "-c",
        serve,
    ])
    .ok();
    let found = eventually("the published port", || ask("127.0.0.1:8080").ok());
    assert_eq!(found, "web");
    let script = "ping -c 1 -W 5 web >/dev/null && wget -qO - http://web/; \
                  cat /proc/sys/net/ipv4/ping_group_range; ls /sys/class/net";
    let output = host.shell("--userns auto --network lan", script).ok();
    assert_eq!(output, "web\n0\t65535\neth0\nlo");
    // Those in the host's user namespace are on the same network.
    assert_eq!(
        host.shell("--network lan", "wget -qO - http://web/").ok(),
        "web"
    );
    // Its root rules its own network, and no other.
    let script = "ip addr add 10.99.0.1/32 dev lo && sysctl -w net.ipv4.ip_forward=1 && \
                  cat /etc/resolv.conf | grep -c 127.0.0.11";
    let options =
        "--userns auto --network lan --cap-add NET_ADMIN --security-opt systempaths=unconfined";
    assert_eq!(
        host.shell(options, script).ok(),
        "net.ipv4.ip_forward = 1\n1"
    );
    for network in ["none", "bridge"] {
        host.shell(
            &format!("--userns auto --network {network}"),
            "ip addr show lo",
        )
        .ok();
    }
    host.ok("network create other");
    host.ok("network connect other web");
    assert_eq!(host.ok("exec web ls /sys/class/net"), "eth0\neth1\nlo");
    host.ok("network disconnect other web");
}

#[test]
fn remapped_containers_share_networks_processes_and_memory() {
    let host = Host::new();
    let mut run = host.command(&[
        "run",
        "-d",
        "--name",
        "donor",
        "--ipc",
        "shareable",
        "alpine",
        "sleep",
        "1000",
    ]);
    assert!(
        run.env("RBOX_USERNS_REMAP", "default")
            .status()
            .unwrap()
            .success()
    );
    host.ok("exec donor sh -c 'echo shared > /dev/shm/f'"
        .replace('\'', "")
        .as_str());
    let namespaces =
        |kind: &str| fs::read_link(format!("/proc/{}/ns/{kind}", host.pid("donor"))).unwrap();
    for (option, kind) in [
        ("--network container:donor", "net"),
        ("--pid container:donor", "pid"),
        ("--ipc container:donor", "ipc"),
    ] {
        let script = format!(
            "readlink /proc/self/ns/{kind}; readlink /proc/self/ns/user; id -u; ls /sys /proc >/dev/null"
        );
        let output = remapped(&host, "default", option, &script).ok();
        let expected = [namespaces(kind), namespaces("user")];
        let expected: Vec<_> = expected.iter().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(
            output.lines().collect::<Vec<_>>(),
            [expected, vec!["0"]].concat()
        );
        // From the host's user namespace anything can be shared.
        host.shell(option, "true").ok();
        // Others have other ids.
        let error = host
            .shell(&format!("--userns auto {option}"), "true")
            .fails(125);
        assert!(
            error.contains("it has not got the same user ids"),
            "{error}"
        );
    }
    let options = "--network container:donor --pid container:donor --ipc container:donor";
    assert_eq!(remapped(&host, "default", options, "pidof sleep").ok(), "1");
}

#[test]
fn what_does_not_go_together_is_refused_before_anything_is_made() {
    let host = Host::new();
    host.ok("run -d --name plain --ipc shareable alpine sleep 1000");
    let short = &host.id("plain")[..12];
    let before = leases(&host);
    for (options, text) in [
        (
            "--privileged",
            "privileged mode is incompatible with user namespaces.  You must run the container in \
             the host namespace when running privileged mode"
                .to_owned(),
        ),
        (
            "--network host",
            "cannot share the host's network namespace when user namespaces are enabled".to_owned(),
        ),
        (
            "--pid host",
            "cannot share the host PID namespace when user namespaces are enabled".to_owned(),
        ),
        (
            "--network container:plain",
            format!(
                "cannot share the network namespace of container {short}: it has not got the same \
                 user ids"
            ),
        ),
        (
            "--pid container:plain",
            format!(
                "cannot share the PID namespace of container {short}: it has not got the same \
                 user ids"
            ),
        ),
        (
            "--ipc container:plain",
            format!(
                "cannot share the IPC namespace of container {short}: it has not got the same \
                 user ids"
            ),
        ),
    ] {
        for mode in ["auto", "keep-id"] {
            let error = host
                .shell(&format!("--userns {mode} {options}"), "true")
                .fails(125);
            assert!(error.starts_with(&format!("rbox: {text}\n")), "{error}");
        }
    }
    for (mode, text) in [
        ("bogus", "--userns: invalid USER mode"),
        ("private", "--userns: invalid USER mode"),
        ("nomap", "--userns: invalid USER mode"),
        (
            "auto:uidmapping=0:1:2",
            "--userns: option \"uidmapping\" of auto is not supported, only size",
        ),
        ("auto:size=x", "--userns: invalid size of auto: x"),
    ] {
        let error = host.shell(&format!("--userns {mode}"), "true").fails(125);
        assert_eq!(error, format!("rbox: {text}{RUN_HELP}"));
    }
    assert_eq!(leases(&host), before);
    assert_eq!(host.ok("ps -aq").lines().count(), 1);
}

#[test]
fn the_hosts_ipc_uts_and_cgroup_namespaces_can_be_shared() {
    let host = Host::new();
    for options in [
        "--ipc host",
        "--uts host",
        "--cgroupns host",
        "--cgroupns private",
        "--ipc none",
    ] {
        host.shell(&format!("--userns auto {options}"), "ls /sys/fs/cgroup")
            .ok();
    }
}
