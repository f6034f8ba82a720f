//! Every way to write `-p`, and how `ps`, `port` and `inspect` show it.

use crate::harness::Host;

const HELP: &str = "\n\nRun 'rbox run --help' for more information";

/// PORTS of a container that publishes so, and its removal.
fn shown(host: &Host, flags: &str) -> String {
    host.ok(&format!("run -d --name web {flags} alpine sleep 1000"));
    let ports = host.ok("ps --format {{.Ports}}");
    host.ok("rm -f web");
    ports
}

#[test]
fn forms_with_a_host_port_are_bound_as_written() {
    let host = Host::new();
    for (flags, ports) in [
        ("-p 8080:80", "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"),
        ("-p 127.0.0.1:8081:80", "127.0.0.1:8081->80/tcp"),
        ("-p 0.0.0.0:8095:80", "0.0.0.0:8095->80/tcp"),
        ("-p [::1]:8089:80", "[::1]:8089->80/tcp"),
        (
            "-p 8085:80/tcp -p 8085:5353/udp",
            "0.0.0.0:8085->80/tcp, [::]:8085->80/tcp, 0.0.0.0:8085->5353/udp, \
             [::]:8085->5353/udp",
        ),
        (
            "-p 9000-9002:9000-9002",
            "0.0.0.0:9000-9002->9000-9002/tcp, [::]:9000-9002->9000-9002/tcp",
        ),
        ("-p 9100-9110:80", "0.0.0.0:9100->80/tcp, [::]:9100->80/tcp"),
        (
            "-p 8090:80 -p 8091:80",
            "0.0.0.0:8090->80/tcp, 0.0.0.0:8091->80/tcp, [::]:8090->80/tcp, [::]:8091->80/tcp",
        ),
        (
            "-p 9200-9205:9200-9205 -p 9300:9300 -p 9206:9206",
            "0.0.0.0:9200-9206->9200-9206/tcp, [::]:9200-9206->9200-9206/tcp, \
             0.0.0.0:9300->9300/tcp, [::]:9300->9300/tcp",
        ),
        (
            "--publish published=8094,target=80,protocol=tcp",
            "0.0.0.0:8094->80/tcp, [::]:8094->80/tcp",
        ),
        (
            "--expose 1000-1005 --expose 1007",
            "1000-1005/tcp, 1007/tcp",
        ),
    ] {
        assert_eq!(shown(&host, flags), ports, "{flags}");
    }
}

#[test]
fn forms_without_a_host_port_get_a_free_one_the_same_on_both_families() {
    let host = Host::new();
    for (form, address) in [
        ("80", "0.0.0.0"),
        (":80", "0.0.0.0"),
        ("0:80", "0.0.0.0"),
        ("127.0.0.1::80", "127.0.0.1"),
    ] {
        let ports = shown(&host, &format!("-p {form}"));
        let first = ports.split(", ").next().unwrap();
        let port: u16 = first
            .strip_prefix(&format!("{address}:"))
            .and_then(|rest| rest.strip_suffix("->80/tcp"))
            .unwrap_or_else(|| panic!("{form}: {ports}"))
            .parse()
            .unwrap();
        assert!(port >= 32768, "{form}: {ports}");
        if address == "0.0.0.0" {
            assert_eq!(
                ports,
                format!("0.0.0.0:{port}->80/tcp, [::]:{port}->80/tcp")
            );
        }
    }
    assert_eq!(shown(&host, "-p 80-82").matches("->").count(), 6);
}

#[test]
fn all_exposed_ports_are_published_by_one_flag() {
    let host = Host::new();
    host.ok("run -d --name web -P --expose 80 --expose 5353/udp alpine sleep 1000");
    let listed = host.ok("port web");
    let left: Vec<&str> = listed
        .lines()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(left, ["80/tcp", "80/tcp", "5353/udp", "5353/udp"]);
    let format = "{{json .HostConfig.PortBindings}} {{.HostConfig.PublishAllPorts}}";
    assert_eq!(host.rbox(&["inspect", "-f", format, "web"]).ok(), "{} true");
}

#[test]
fn port_lists_one_port_or_says_that_it_is_not_published() {
    let host = Host::new();
    host.ok("run -d --name web -p 8080:80 -p 8085:5353/udp alpine sleep 1000");
    assert_eq!(
        host.ok("port web"),
        "80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080\n\
         5353/udp -> 0.0.0.0:8085\n5353/udp -> [::]:8085"
    );
    assert_eq!(host.ok("port web 80"), "0.0.0.0:8080\n[::]:8080");
    assert_eq!(host.ok("port web 80/tcp"), "0.0.0.0:8080\n[::]:8080");
    assert_eq!(host.ok("port web 5353/udp"), "0.0.0.0:8085\n[::]:8085");
    assert_eq!(
        host.fails(1, "port web 80/udp"),
        "rbox: No public port '80/udp' published for web"
    );
    assert_eq!(
        host.fails(1, "port web 81"),
        "rbox: No public port '81' published for web"
    );
    assert_eq!(
        host.fails(1, "port web bogus"),
        "rbox: invalid port (bogus): strconv.ParseUint: parsing \"bogus\": invalid syntax"
    );
    assert_eq!(
        host.fails(1, "port nosuch"),
        "rbox: No such container: nosuch"
    );
}

#[test]
fn inspect_tells_what_was_asked_and_what_was_bound() {
    let host = Host::new();
    host.ok("run -d --name web -p 8080:80 --expose 5353/udp alpine sleep 1000");
    let inspect = |format: &str| host.rbox(&["inspect", "-f", format, "web"]).ok();
    let asked = r#"{"80/tcp":[{"HostIp":"","HostPort":"8080"}]}"#;
    assert_eq!(inspect("{{json .HostConfig.PortBindings}}"), asked);
    assert_eq!(
        inspect("{{json .NetworkSettings.Ports}}"),
        r#"{"5353/udp":null,"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"},{"HostIp":"::","HostPort":"8080"}]}"#
    );
    assert_eq!(
        inspect("{{json .Config.ExposedPorts}}"),
        r#"{"5353/udp":{},"80/tcp":{}}"#
    );
    host.ok("stop -t 0 web");
    assert_eq!(inspect("{{json .NetworkSettings.Ports}}"), "{}");
    assert_eq!(inspect("{{json .HostConfig.PortBindings}}"), asked);
    assert_eq!(host.ok("ps -a --format {{.Ports}}"), "");
}

#[test]
fn what_is_no_port_is_refused_before_anything_is_made() {
    let host = Host::new();
    for (form, text) in [
        ("bogus", "invalid containerPort: bogus"),
        ("99999:80", "invalid hostPort: 99999"),
        (
            "8000-8001:80-82",
            "invalid ranges specified for container and host Ports: 80-82 and 8000-8001",
        ),
        ("1.2.3:80:80", "invalid IP address: 1.2.3"),
        ("80/foo", "invalid proto: foo"),
        ("", "no port specified: <empty>"),
        ("8080:", "no port specified: 8080:<empty>"),
    ] {
        let output = host.rbox(&["run", "-p", form, "alpine", "true"]);
        assert_eq!(output.fails(125), format!("rbox: {text}{HELP}"), "{form}");
    }
    assert_eq!(
        host.fails(125, "run --expose bogus alpine true"),
        format!(
            "rbox: invalid range format for --expose: bogus, error: strconv.ParseUint: parsing \
             \"bogus\": invalid syntax{HELP}"
        )
    );
    assert_eq!(host.ok("ps -aq"), "");
}
