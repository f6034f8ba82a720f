//! Two containers on a user-defined network know each other by name.

use crate::harness::Host;

#[test]
fn two_containers_ping_each_other_by_name() {
    let host = Host::new();
    host.ok("network create bridge-test");
    host.ok("run -itd --net=bridge-test --name container1 alpine");
    host.ok("run -itd --net=bridge-test --name container2 alpine");
    for (from, to) in [("container1", "container2"), ("container2", "container1")] {
        let text = host.ok(&format!("exec {from} ping -c 1 {to}"));
        assert!(text.contains("1 packets received"), "{text}");
    }
}

#[test]
fn an_address_resolves_back_to_name_and_network() {
    let host = Host::new();
    host.ok("network create bridge-test");
    host.ok("run -itd --net=bridge-test --name container1 alpine");
    host.ok("run -itd --net=bridge-test --name container2 alpine");
    let address = host.address("container2", "bridge-test");
    let text = host.ok(&format!("exec container1 nslookup {address}"));
    assert!(text.contains("name = container2.bridge-test"), "{text}");
}
