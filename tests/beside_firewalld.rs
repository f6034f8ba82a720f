//! rbox beside firewalld, whose default zone drops everything.

use std::io::ErrorKind::TimedOut;
use std::time::{Duration, Instant};

use crate::harness::{Firewalld, Host, Neighbour, ask, inside, patience};

/// By TCP: some let pings pass that let nothing else pass.
fn reaches_outside(host: &Host) -> bool {
    let connect = "nc -w 1 198.51.100.1 7000 </dev/null";
    let output = host.rbox(&["exec", "web", "sh", "-c", connect]);
    output.stdout == "hello\n"
}

#[test]
fn our_bridges_are_trusted_and_nothing_else_is() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    neighbour.greets();
    let Some(mut firewalld) =
        Firewalld::start(&host, "our_bridges_are_trusted_and_nothing_else_is")
    else {
        return;
    };
    assert_eq!(firewalld.run("--get-default-zone").ok(), "drop");
    host.ok("network create -o com.docker.network.bridge.name=br-lan lan");
    assert_eq!(
        firewalld.run("--get-zone-of-interface=br-lan").ok(),
        "trusted"
    );
    host.who_server("web", "--network lan -p 8080:80");
    assert!(reaches_outside(&host));
    let from_outside = || inside(neighbour.pid(), || ask("198.51.100.2:8080"));
    assert_eq!(from_outside(), Ok("server=web peer=198.51.100.1".into()));
    // Its files are not touched.
    assert_eq!(
        firewalld
            .run("--permanent --zone=trusted --list-interfaces")
            .ok(),
        ""
    );

    // It forgets what is not in its files, and is told again.
    for restart in [false, true] {
        if restart {
            firewalld.restart();
        } else {
            firewalld.run("--reload").ok();
        }
        assert!(!reaches_outside(&host));
        assert_eq!(host.ok("network reload"), "network lan");
        assert!(reaches_outside(&host));
        assert_eq!(host.ok("network reload"), "");
    }

    // A zone that the administrator chose stays.
    firewalld.run("--zone=block --change-interface=br-lan").ok();
    host.ok("run --rm --network lan alpine true");
    assert_eq!(
        firewalld.run("--get-zone-of-interface=br-lan").ok(),
        "block"
    );
    assert!(!reaches_outside(&host));

    host.ok("rm -f web");
    firewalld
        .run("--zone=trusted --change-interface=br-lan")
        .ok();
    host.ok("network rm lan");
    assert_eq!(firewalld.run("--zone=trusted --list-interfaces").ok(), "");
    assert_eq!(
        inside(neighbour.pid(), || ask("198.51.100.2:8080")),
        Err(TimedOut)
    );
}

#[test]
fn a_firewalld_that_hangs_holds_no_start_up() {
    let host = Host::new();
    let Some(firewalld) = Firewalld::start(&host, "a_firewalld_that_hangs_holds_no_start_up")
    else {
        return;
    };
    firewalld.hang();
    let began = Instant::now();
    let output = host.shell("", "echo here");
    assert!(began.elapsed() < patience(2) + Duration::from_secs(8));
    assert_eq!(output.stdout, "here\n");
    assert_eq!(
        output.stderr,
        "WARNING: firewalld does not take rbox0 into its zone trusted: no answer within 2 s\n\
         hint: firewall-cmd --zone=trusted --add-interface=rbox0\n"
    );
    firewalld.resume();
    assert_eq!(host.shell("", "echo here").stderr, "");
}
