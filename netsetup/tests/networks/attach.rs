use std::collections::BTreeMap;
use std::net::IpAddr;

use rbox_netsetup::kernel::netlink::Route;
use rbox_netsetup::model::endpoint::EndpointConfig;
use rbox_netsetup::model::endpoint_rules::IFNAME_OPTION;

use super::place::{Place, Sandbox, skipped};

/// The option that names an interface.
fn ifname(name: &str) -> BTreeMap<String, String> {
    [(IFNAME_OPTION.to_owned(), name.to_owned())].into()
}

fn v4(endpoint: &rbox_netsetup::model::endpoint::Endpoint) -> IpAddr {
    endpoint.ip.unwrap().0.into()
}

#[test]
fn two_sandboxes_on_a_network_talk_and_leave_nothing() {
    let Some(place) = Place::new("two_sandboxes_on_a_network_talk_and_leave_nothing") else {
        return;
    };
    let network = place.create("bridge-test", &["subnet=10.241.0.0/24"]);
    let before = place.traces_of_containers();
    let (mut a, mut b) = (Sandbox::new(&place, "a"), Sandbox::new(&place, "b"));
    let end_a = a.attach(&place, &network);
    let end_b = b.attach(&place, &network);
    assert_eq!(v4(&end_a).to_string(), "10.241.0.2");
    assert_eq!(v4(&end_b).to_string(), "10.241.0.3");
    assert_eq!(a.defaults(), ["10.241.0.1 eth0"]);
    assert!(a.reaches(&b, v4(&end_b)));
    assert!(b.reaches(&a, v4(&end_a)));
    let inner = Route::open_in(std::os::fd::AsFd::as_fd(&a.ns))
        .unwrap()
        .link("eth0")
        .unwrap();
    assert_eq!(inner.unwrap().mac.unwrap().to_string(), "02:42:0a:f1:00:02");
    let zone = std::fs::read_to_string(place.store.run_dir(&network).join("hosts")).unwrap();
    assert_eq!(
        zone,
        format!(
            "10.241.0.2\ta {}\n10.241.0.3\tb {}\n",
            &a.owner[..12],
            &b.owner[..12]
        )
    );
    let names: Vec<String> = place
        .store
        .endpoints(&network)
        .unwrap()
        .into_iter()
        .map(|endpoint| endpoint.owner_name)
        .collect();
    assert_eq!(names, ["a", "b"]);
    a.undo();
    b.undo();
    assert_eq!(place.traces_of_containers(), before);
    a.undo();
    assert_eq!(
        place.traces_of_containers(),
        before,
        "once more is harmless"
    );
}

#[test]
fn ping_finds_the_other_and_the_gateway() {
    let test = "ping_finds_the_other_and_the_gateway";
    let Some(place) = Place::new(test) else {
        return;
    };
    if !std::path::Path::new("/bin/ping").exists() {
        return skipped(test, "there is no /bin/ping");
    }
    let network = place.create("n", &["subnet=10.241.0.0/24"]);
    let (mut a, mut b) = (Sandbox::new(&place, "a"), Sandbox::new(&place, "b"));
    a.attach(&place, &network);
    let address = v4(&b.attach(&place, &network)).to_string();
    for to in [address.as_str(), "10.241.0.1"] {
        let output = a.inside(|| {
            std::process::Command::new("/bin/ping")
                .args(["-c1", "-W5", to])
                .output()
                .unwrap()
        });
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
}

#[test]
fn ipv6_is_there_when_asked_for_and_off_otherwise() {
    let Some(place) = Place::new("ipv6_is_there_when_asked_for_and_off_otherwise") else {
        return;
    };
    let six = place.create(
        "six",
        &["subnet=10.241.0.0/24", "subnet=fd00:aa::/64", "ipv6"],
    );
    let four = place.create("zfour", &["subnet=10.242.0.0/24"]);
    let (mut a, mut b) = (Sandbox::new(&place, "a"), Sandbox::new(&place, "b"));
    a.attach(&place, &six);
    let end_b = b.attach(&place, &six);
    b.attach(&place, &four);
    assert_eq!(end_b.ip6.unwrap().0.to_string(), "fd00:aa::3");
    assert!(a.reaches(&b, end_b.ip6.unwrap().0.into()));
    assert!(a.reaches(&b, v4(&end_b)));
    assert_eq!(a.defaults(), ["10.241.0.1 eth0", "fd00:aa::1 eth0"]);
    let disabled = |name: &str| {
        b.inside(|| {
            rbox_netsetup::kernel::sysctl::read(&format!("net.ipv6.conf.{name}.disable_ipv6"))
                .unwrap()
        })
    };
    assert_eq!(
        (disabled("eth0").as_str(), disabled("eth1").as_str()),
        ("0", "1")
    );
}

#[test]
fn without_icc_neighbours_are_cut_off_and_networks_are_apart() {
    let Some(place) = Place::new("without_icc_neighbours_are_cut_off_and_networks_are_apart")
    else {
        return;
    };
    let alone = place.create(
        "alone",
        &[
            "subnet=10.243.0.0/24",
            "com.docker.network.bridge.enable_icc=false",
        ],
    );
    let other = place.create("other", &["subnet=10.244.0.0/24"]);
    let mut sandboxes: Vec<Sandbox> = ["a", "b", "c"]
        .iter()
        .map(|name| Sandbox::new(&place, name))
        .collect();
    let mut c = sandboxes.pop().unwrap();
    let mut b = sandboxes.pop().unwrap();
    let mut a = sandboxes.pop().unwrap();
    a.attach(&place, &alone);
    let end_b = b.attach(&place, &alone);
    let end_c = c.attach(&place, &other);
    assert!(a.is_cut_off_from(&b, v4(&end_b)));
    assert!(a.is_cut_off_from(&c, v4(&end_c)));
}

#[test]
fn the_networks_mtu_and_the_users_mac_and_name_reach_the_interface() {
    let test = "the_networks_mtu_and_the_users_mac_and_name_reach_the_interface";
    let Some(place) = Place::new(test) else {
        return;
    };
    let network = place.create(
        "n",
        &["subnet=10.241.0.0/24", "com.docker.network.driver.mtu=1400"],
    );
    let mut a = Sandbox::new(&place, "a");
    let config = EndpointConfig {
        mac: Some("02:42:0a:00:00:99".parse().unwrap()),
        ip: Some("10.241.0.77".parse().unwrap()),
        driver_opts: ifname("lan.7"),
        ..EndpointConfig::default()
    };
    a.attach_as(&place, &network, &config).unwrap();
    let mut route = Route::open_in(std::os::fd::AsFd::as_fd(&a.ns)).unwrap();
    let link = route.link("lan.7").unwrap().unwrap();
    assert_eq!((link.mtu, link.up), (1400, true));
    assert_eq!(link.mac.unwrap().to_string(), "02:42:0a:00:00:99");
    let bridge = Route::open()
        .unwrap()
        .link(&network.bridge_name())
        .unwrap()
        .unwrap();
    assert_eq!(bridge.mtu, 1400);
    assert_eq!(a.defaults(), ["10.241.0.1 lan.7"]);
}

#[test]
fn thirty_attaching_at_once_share_nothing() {
    let Some(place) = Place::new("thirty_attaching_at_once_share_nothing") else {
        return;
    };
    let network = place.create("n", &["subnet=10.241.0.0/26"]);
    let before = place.traces_of_containers();
    let mut addresses: Vec<IpAddr> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..30)
            .map(|number| {
                let (place, network) = (&place, &network);
                scope.spawn(move || {
                    let mut sandbox = Sandbox::new(place, &format!("c{number}"));
                    let address = v4(&sandbox.attach(place, network));
                    (sandbox, address)
                })
            })
            .collect();
        let (sandboxes, addresses): (Vec<_>, Vec<_>) = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .unzip();
        assert_eq!(place.store.endpoints(&network).unwrap().len(), 30);
        assert!(sandboxes[0].reaches(&sandboxes[29], addresses[29]));
        for sandbox in sandboxes {
            scope.spawn(move || sandbox.undo());
        }
        addresses
    });
    addresses.sort();
    addresses.dedup();
    assert_eq!(addresses.len(), 30);
    assert_eq!(place.traces_of_containers(), before);
}

#[test]
fn an_attach_that_fails_late_leaves_nothing() {
    let Some(place) = Place::new("an_attach_that_fails_late_leaves_nothing") else {
        return;
    };
    let network = place.create("n", &["subnet=10.241.0.0/24"]);
    let other = place.create("o", &["subnet=10.242.0.0/24"]);
    let mut a = Sandbox::new(&place, "a");
    a.attach(&place, &network);
    let before = place.traces_of_containers();
    // The name inside is taken, which shows only when the pair is made.
    let config = EndpointConfig {
        driver_opts: ifname("eth0"),
        ..EndpointConfig::default()
    };
    let error = a
        .attach_as(&place, &other, &config)
        .unwrap_err()
        .to_string();
    assert!(error.contains("eth0"), "{error}");
    assert_eq!(place.traces_of_containers(), before);
    // The record went after the addresses were leased.
    std::fs::remove_file(place.store.record_path(&other)).unwrap();
    let error = a
        .attach_as(&place, &other, &EndpointConfig::default())
        .unwrap_err();
    assert_eq!(error.to_string(), "network o not found");
    let gone = |trace: &String| trace.contains("/o.json") || trace.contains(&other.bridge_name());
    let expected: Vec<String> = before.into_iter().filter(|trace| !gone(trace)).collect();
    assert_eq!(
        place.traces_of_containers(),
        expected,
        "bridge and elements go with the record"
    );
    assert!(!place.store.run_dir(&other).exists());
    assert_eq!(a.defaults(), ["10.241.0.1 eth0"]);
}
