//! A host port that somebody has already.

use std::net::{TcpListener, UdpSocket};

use crate::harness::{Host, ask};

/// The failure of a start, without what differs from run to run.
fn refused(host: &Host, name: &str, flags: &str) -> String {
    let text = host.fails(
        125,
        &format!("run -d --name {name} {flags} alpine sleep 1000"),
    );
    let start = format!(
        "rbox: failed to set up container networking: driver failed programming external \
         connectivity on endpoint {name} ("
    );
    let rest = text
        .strip_prefix(&start)
        .unwrap_or_else(|| panic!("{text}"));
    let (endpoint, rest) = rest.split_once("): ").unwrap();
    assert!(endpoint.len() == 64 && endpoint.bytes().all(|byte| byte.is_ascii_hexdigit()));
    rest.strip_suffix("\n\nRun 'rbox run --help' for more information")
        .unwrap()
        .to_owned()
}

#[test]
fn a_port_of_another_container_is_already_allocated() {
    let host = Host::new();
    host.who_server("first", "-p 8080:80");
    let text = "Bind for 0.0.0.0:8080 failed: port is already allocated";
    assert_eq!(refused(&host, "second", "-p 8080:80"), text);
    assert_eq!(refused(&host, "third", "-p 127.0.0.1:8080:80"), text);
    assert_eq!(
        ask("127.0.0.1:8080").unwrap(),
        "server=first peer=172.17.0.1"
    );
    assert_eq!(
        host.rbox(&[
            "ps",
            "-a",
            "--format",
            "{{.Names}} {{.Status}}",
            "--filter",
            "name=second"
        ])
        .ok(),
        "second Created"
    );
    let state = host
        .rbox(&[
            "inspect",
            "-f",
            "{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}",
            "second",
        ])
        .ok();
    assert!(
        state.starts_with("created 128 failed to set up container networking: "),
        "{state}"
    );
    assert!(state.ends_with(text), "{state}");
    assert_eq!(
        host.rbox(&["inspect", "-f", "{{json .NetworkSettings.Ports}}", "second"])
            .ok(),
        "{}"
    );
    // The other protocol and another address are free.
    host.ok("run -d --name udp -p 8080:80/udp alpine sleep 1000");
    // What failed for the port starts once it is free.
    host.ok("rm -f first");
    host.ok("start second");
}

#[test]
fn a_port_of_a_process_of_the_host_is_in_use() {
    let host = Host::new();
    let _taken = TcpListener::bind("0.0.0.0:8099").unwrap();
    assert_eq!(
        refused(&host, "web", "-p 8099:80"),
        "failed to bind host port for 0.0.0.0:8099:172.17.0.2:80/tcp: address already in use"
    );
    let _taken = UdpSocket::bind("127.0.0.1:8053").unwrap();
    let text = refused(&host, "dns", "-p 127.0.0.1:8053:53/udp");
    assert!(
        text.starts_with("failed to bind host port for 127.0.0.1:8053:172.17.0."),
        "{text}"
    );
    assert!(text.ends_with(":53/udp: address already in use"), "{text}");
}

#[test]
fn an_address_of_another_host_cannot_be_bound() {
    let host = Host::new();
    assert_eq!(
        refused(&host, "web", "-p 203.0.113.9:8088:80"),
        "failed to bind host port for 203.0.113.9:8088:172.17.0.2:80/tcp: cannot assign requested \
         address"
    );
}

#[test]
fn a_start_that_fails_for_a_port_leaves_nothing() {
    let host = Host::new();
    host.ok("run -d --name first -p 8080:80 alpine sleep 1000");
    host.ok("network create --subnet 10.241.0.0/24 lan");
    let before = host.left_behind();
    let text = host.fails(
        125,
        "run --rm --name second --network lan -p 9000:80 -p 8080:80 alpine true",
    );
    assert!(text.contains("port is already allocated"), "{text}");
    assert_eq!(host.left_behind(), before);
    // Neither its first port nor its address is lost.
    TcpListener::bind("0.0.0.0:9000").unwrap();
    host.ok("run -d --name third --network lan --ip 10.241.0.2 alpine sleep 1000");
}

#[test]
fn a_range_takes_its_first_free_port() {
    let host = Host::new();
    let _taken = TcpListener::bind("0.0.0.0:9100").unwrap();
    host.ok("run -d --name one -p 9100-9102:80 alpine sleep 1000");
    host.ok("run -d --name two -p 9100-9102:80 alpine sleep 1000");
    assert_eq!(host.ok("port one 80"), "0.0.0.0:9101\n[::]:9101");
    assert_eq!(host.ok("port two 80"), "0.0.0.0:9102\n[::]:9102");
    let text = refused(&host, "three", "-p 9100-9102:80");
    assert!(
        text.ends_with("port is already allocated") || text.ends_with("in use"),
        "{text}"
    );
}

#[test]
fn a_port_is_free_as_soon_as_its_container_has_ended() {
    let host = Host::new();
    for round in 0..5 {
        host.ok(&format!(
            "run -d --name web{round} -p 8080:80 -p 8080:80/udp alpine sleep 1000"
        ));
        host.ok(&format!("stop -t 0 web{round}"));
    }
    for round in 0..5 {
        host.ok(&format!(
            "run --rm --name short{round} -p 8080:80 alpine true"
        ));
    }
}
