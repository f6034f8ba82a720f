//! `--network container:X`: two containers in one network namespace.

use crate::harness::Host;

const HELP: &str = "\n\nRun 'rbox run --help' for more information";

#[test]
fn the_guest_has_the_hosts_interfaces_names_and_files() {
    let host = Host::new();
    host.ok("network create lan");
    host.ok(
        "run -d --name web --network lan --network-alias www --hostname webhost alpine sleep 1000",
    );
    host.ok("run -d --name guest --network container:web alpine sleep 1000");
    for command in [
        "ip -o addr",
        "ip route",
        "hostname",
        "cat /etc/hosts",
        "cat /etc/resolv.conf",
    ] {
        assert_eq!(
            host.ok(&format!("exec guest {command}")),
            host.ok(&format!("exec web {command}")),
            "{command}"
        );
    }
    host.ok("exec guest ping -c 1 www");
    let inspect = |format: &str| host.rbox(&["inspect", "-f", format, "guest"]).ok();
    assert_eq!(
        inspect("{{.HostConfig.NetworkMode}}"),
        format!("container:{}", host.id("web"))
    );
    assert_eq!(inspect("{{json .NetworkSettings.Networks}}"), "{}");
    assert_eq!(inspect("{{json .NetworkSettings.Ports}}"), "{}");
    // Processes and files are not shared.
    assert_eq!(host.ok("exec guest cat /proc/1/comm"), "sleep");
    host.ok("exec web touch /only-here");
    host.fails(1, "exec guest ls /only-here");
}

#[test]
fn they_talk_over_loopback() {
    let host = Host::new();
    host.who_server("web", "");
    assert_eq!(
        host.ok("run --rm --network container:web alpine wget -q -O- http://127.0.0.1/"),
        "server=web peer=127.0.0.1"
    );
}

#[test]
fn settings_of_a_network_of_its_own_conflict() {
    let host = Host::new();
    host.ok("run -d --name web alpine sleep 1000");
    for (flags, text) in [
        ("--hostname x", "hostname and the network mode"),
        (
            "-p 80:80",
            "port publishing and the container type network mode",
        ),
        ("-P", "port publishing and the container type network mode"),
        (
            "--expose 80",
            "port exposing and the container type network mode",
        ),
        ("--dns 192.0.2.1", "dns and the network mode"),
        (
            "--add-host a:192.0.2.1",
            "custom host-to-IP mapping and the network mode",
        ),
        (
            "--link web",
            "container type network can't be used with links. This would result in undefined \
             behavior",
        ),
        (
            "--mac-address 02:42:0a:00:00:97",
            "mac-address and the network mode",
        ),
    ] {
        assert_eq!(
            host.fails(
                125,
                &format!("run --rm --network container:web {flags} alpine true")
            ),
            format!("rbox: conflicting options: {text}{HELP}"),
            "{flags}"
        );
    }
}

#[test]
fn a_target_that_is_missing_or_not_running_is_refused() {
    let host = Host::new();
    assert_eq!(
        host.fails(125, "run --rm --network container:nosuch alpine true"),
        format!("rbox: joining network namespace of container: No such container: nosuch{HELP}")
    );
    host.ok("create --name idle alpine true");
    assert_eq!(
        host.fails(125, "run --rm --network container:idle alpine true"),
        format!(
            "rbox: cannot join network namespace of a non running container: container idle is \
             created{HELP}"
        )
    );
    host.ok("start idle");
    host.ok("wait idle");
    assert_eq!(
        host.fails(125, "run --rm --network container:idle alpine true"),
        format!(
            "rbox: cannot join network namespace of a non running container: container idle is \
             exited{HELP}"
        )
    );
    let text = host.fails(125, "run --rm --network container: alpine true");
    assert!(
        text.contains("invalid container format container:<name|id>"),
        "{text}"
    );
    assert_eq!(host.ok("ps -aq").lines().count(), 1);
}

#[test]
fn the_guest_outlives_its_host_with_loopback_alone() {
    let host = Host::new();
    host.ok("run -d --name web alpine sleep 1000");
    host.ok("run -d --name guest --network container:web alpine sleep 1000");
    host.ok("stop -t 0 web");
    let links = host.ok("exec guest ls /sys/class/net");
    assert_eq!(links, "lo");
    host.ok("start web");
    assert_eq!(host.ok("exec guest ls /sys/class/net"), "lo");
    host.ok("restart -t 0 guest");
    assert_eq!(host.ok("exec guest ls /sys/class/net"), "eth0\nlo");
}
