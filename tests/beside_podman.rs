//! rbox beside podman with netavark: its rules accept, so nothing of ours is needed there.

use crate::harness::{Host, Neighbour, Podman, ask, inside};

#[test]
fn both_work_and_its_rules_are_untouched() {
    let host = Host::new();
    let neighbour = Neighbour::new(&host);
    neighbour.greets();
    let Some(podman) = Podman::start(&host, "both_work_and_its_rules_are_untouched") else {
        return;
    };
    podman.ok("network create pm");
    podman.ok("run -d --name theirs --network pm alpine sleep 1000");
    let before = podman.rules();
    assert!(before.contains("NETAVARK"), "{before}");
    let greeted = |output: String| output.trim() == "hello";
    let from_theirs = || greeted(podman.ok("exec theirs nc -w 1 198.51.100.1 7000"));
    assert!(from_theirs());

    host.ok("network create lan");
    host.who_server("web", "--network lan -p 8080:80");
    assert!(greeted(host.ok("exec web nc -w 1 198.51.100.1 7000")));
    assert_eq!(
        inside(neighbour.pid(), || ask("198.51.100.2:8080")),
        Ok("server=web peer=198.51.100.1".into())
    );
    assert!(from_theirs());
    assert_eq!(podman.rules(), before);
    host.ok("rm -f web");
    host.ok("network rm lan");
    assert_eq!(podman.rules(), before);
    assert!(from_theirs());
}
