//! `--network ns:PATH`: a container in a network namespace that somebody else made.

use crate::harness::Host;

const HELP: &str = "\n\nRun 'rbox run --help' for more information";

/// A namespace as `ip netns add` makes it, with an address; taken away at the end.
struct Named<'a>(&'a Host, &'static str);

impl<'a> Named<'a> {
    fn new(host: &'a Host, name: &'static str) -> Named<'a> {
        let named = Named(host, name);
        host.sh(&format!("ip netns add {name}")).ok();
        named.sh("ip link set lo up; ip addr add 192.0.2.7/32 dev lo");
        named
    }

    #[track_caller]
    fn sh(&self, line: &str) -> String {
        let line = line.replace('\'', "'\\''");
        self.0
            .sh(&format!("ip netns exec {} sh -c '{line}'", self.1))
            .ok()
    }

    /// Which namespace the name stands for.
    fn identity(&self) -> String {
        self.sh("readlink /proc/self/ns/net")
    }
}

impl Drop for Named<'_> {
    fn drop(&mut self) {
        self.0.sh(&format!("ip netns del {}", self.1));
    }
}

#[test]
fn the_container_has_the_interfaces_of_the_namespace_and_files_of_its_own() {
    let host = Host::new();
    let blue = Named::new(&host, "blue");
    let hosts = host.file_instead("/etc/hosts", "127.0.0.1\tlocalhost\n192.0.2.9\tmachine\n");
    host.ok("run -d --name web --network ns:/run/netns/blue alpine sleep 1000");
    assert_eq!(
        host.ok("exec web readlink /proc/self/ns/net"),
        blue.identity()
    );
    assert!(host.ok("exec web ip -o addr").contains("192.0.2.7/32"));
    assert_eq!(
        host.ok("exec web cat /etc/hosts"),
        "127.0.0.1\tlocalhost\n192.0.2.9\tmachine"
    );
    let short = &host.id("web")[..12];
    assert_eq!(host.ok("exec web hostname"), short);
    let resolv = host.ok("exec web cat /etc/resolv.conf");
    assert!(!resolv.contains("127.0.0.11"), "{resolv}");
    let inspect = |format: &str| host.rbox(&["inspect", "-f", format, "web"]).ok();
    assert_eq!(
        inspect("{{.HostConfig.NetworkMode}} {{.NetworkSettings.SandboxKey}}"),
        "ns:/run/netns/blue /run/netns/blue"
    );
    assert_eq!(inspect("{{json .NetworkSettings.Networks}}"), "{}");
    assert_eq!(inspect("{{json .NetworkSettings.Ports}}"), "{}");
    assert_eq!(
        host.rbox(&[
            "ps",
            "--format",
            "{{.Names}} {{.Status}} [{{.Ports}}] [{{.Networks}}]"
        ])
        .ok()
        .split(" Up ")
        .next(),
        Some("web")
    );
    // Another container may share it in turn.
    assert_eq!(
        host.ok("run --rm --network container:web alpine readlink /proc/self/ns/net"),
        blue.identity()
    );
    drop(hosts);
    host.ok("rm -f web");
}

#[test]
fn names_and_servers_are_the_containers_own() {
    let host = Host::new();
    let _blue = Named::new(&host, "blue");
    let run = "run --rm --network ns:/run/netns/blue";
    assert_eq!(
        host.ok(&format!("{run} --hostname inner alpine hostname")),
        "inner"
    );
    let resolv = host.ok(&format!(
        "{run} --dns 192.0.2.53 --dns-search lan.test alpine cat /etc/resolv.conf"
    ));
    assert!(resolv.contains("nameserver 192.0.2.53\n"), "{resolv}");
    assert!(resolv.contains("search lan.test"), "{resolv}");
    let hosts = host.ok(&format!(
        "{run} --add-host db:192.0.2.5 alpine cat /etc/hosts"
    ));
    assert!(hosts.ends_with("192.0.2.5\tdb"), "{hosts}");
}

#[test]
fn the_namespace_outlives_its_containers() {
    let host = Host::new();
    let blue = Named::new(&host, "blue");
    let before = blue.identity();
    host.ok("run -d --name web --network ns:/run/netns/blue alpine sleep 1000");
    let still_there = || {
        assert_eq!(blue.identity(), before);
        assert!(blue.sh("ip -o addr").contains("192.0.2.7/32"));
        assert_eq!(host.sh("ls /run/netns").ok(), "blue");
    };
    host.ok("rename web www");
    still_there();
    host.ok("stop -t 0 www");
    still_there();
    host.ok("start www");
    host.kill_monitor("www");
    assert_eq!(
        host.rbox(&["inspect", "-f", "{{.State.Status}}", "www"])
            .ok(),
        "exited"
    );
    still_there();
    host.ok("start www");
    host.ok("rm -f www");
    still_there();
}

#[test]
fn a_name_that_rbox_would_give_itself_stays_too() {
    let host = Host::new();
    let named = Named::new(&host, "rbox-web");
    let before = named.identity();
    host.ok("run -d --name web --network ns:/run/netns/rbox-web alpine sleep 1000");
    // The journal cannot be read: what the container had is looked for by its owner.
    let id = host.id("web");
    let journal = host.run_root().join("containers").join(&id).join("journal");
    std::fs::write(journal, "garbage\n").unwrap();
    host.kill_monitor("web");
    host.ok("rm web");
    assert_eq!(named.identity(), before);
}

#[test]
fn any_path_to_a_namespace_will_do() {
    let host = Host::new();
    host.ok("run -d --name other alpine sleep 1000");
    let pid = host.pid("other");
    assert_eq!(
        host.ok(&format!(
            "run --rm --network ns:/proc/{pid}/ns/net alpine readlink /proc/self/ns/net"
        )),
        host.ok("exec other readlink /proc/self/ns/net")
    );
}

#[test]
fn a_path_that_is_no_network_namespace_is_refused() {
    let host = Host::new();
    let hint = "hint: `ip netns` lists those that have names, below /run/netns";
    assert_eq!(
        host.fails(125, "run --rm --network ns:/run/netns/nosuch alpine true"),
        format!(
            "rbox: joining network namespace /run/netns/nosuch: No such file or directory (os \
             error 2){HELP}"
        )
    );
    host.sh("mkfifo /run/netns/pipe").ok();
    for path in ["/etc/passwd", "/", "/proc/self/ns/mnt", "/run/netns/pipe"] {
        assert_eq!(
            host.fails(125, &format!("run --rm --network ns:{path} alpine true")),
            format!(
                "rbox: joining network namespace {path}: it is no network \
                 namespace\n{hint}{HELP}"
            ),
            "{path}"
        );
    }
    host.sh("rm /run/netns/pipe").ok();
    for path in ["", "blue", "run/netns/blue"] {
        let text = host.fails(125, &format!("run --rm --network ns:{path} alpine true"));
        assert!(
            text.starts_with(&format!(
                "rbox: invalid network mode: ns:{path}: the path of a network namespace is \
                 absolute\nhint: "
            )),
            "{text}"
        );
    }
    assert_eq!(host.ok("ps -aq"), "");
}

#[test]
fn a_namespace_that_is_gone_at_the_start_is_named() {
    let host = Host::new();
    let blue = Named::new(&host, "blue");
    host.ok("create --name web --network ns:/run/netns/blue alpine true");
    drop(blue);
    let text = host.fails(1, "start web");
    assert!(
        text.contains("joining network namespace /run/netns/blue: No such file or directory"),
        "{text}"
    );
    let _blue = Named::new(&host, "blue");
    host.ok("start -a web");
}

#[test]
fn what_would_change_the_namespace_conflicts() {
    let host = Host::new();
    let _blue = Named::new(&host, "blue");
    for (flags, text) in [
        (
            "-p 80:80",
            "conflicting options: port publishing and the namespace type network mode",
        ),
        (
            "-P",
            "conflicting options: port publishing and the namespace type network mode",
        ),
        (
            "--expose 80",
            "conflicting options: port exposing and the namespace type network mode",
        ),
        (
            "--link web",
            "conflicting options: namespace type network can't be used with links. This would \
             result in undefined behavior",
        ),
        (
            "--mac-address 02:42:0a:00:00:97",
            "conflicting options: mac-address and the network mode",
        ),
        (
            "--sysctl net.core.somaxconn=9",
            "sysctl \"net.core.somaxconn\" not allowed in an adopted network namespace",
        ),
        (
            "--network bridge",
            "conflicting options: cannot attach both user-defined and non-user-defined \
             network-modes",
        ),
    ] {
        let line = format!("run --rm --network ns:/run/netns/blue {flags} alpine true");
        let output = host.fails(125, &line);
        assert!(output.contains(text), "{flags}: {output}");
    }
    host.ok("network create lan");
    host.ok("create --name web --network ns:/run/netns/blue alpine true");
    assert_eq!(
        host.fails(1, "network connect lan web"),
        "rbox: container sharing network namespace with another container or host cannot be \
         connected to any other network"
    );
}
