use std::collections::HashSet;

use rbox_netsetup::kernel::netlink::Route;
use rbox_netsetup::model::mac::Mac;
use rbox_netsetup::store::RemoveError;

use super::place::{ALIVE, DEAD, Place, Sandbox};

#[test]
fn three_networks_are_always_there() {
    let Some(place) = Place::new("three_networks_are_always_there") else {
        return;
    };
    let ids: HashSet<Vec<String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let store = &place.store;
                scope.spawn(move || {
                    if number % 2 == 0 {
                        store.get("bridge").unwrap();
                    }
                    store
                        .list()
                        .unwrap()
                        .into_iter()
                        .map(|network| network.id)
                        .collect()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(ids.len(), 1, "all see the same records");
    let networks = place.store.list().unwrap();
    let shown: Vec<String> = networks
        .iter()
        .map(|network| {
            format!(
                "{} {:?} {:?}",
                network.name,
                network.driver,
                network.pools.len()
            )
        })
        .collect();
    assert_eq!(shown, ["bridge Bridge 1", "host Host 0", "none Null 0"]);
    let bridge = place.store.get("bridge").unwrap();
    assert_eq!(bridge.pools[0].subnet.to_string(), "172.17.0.0/16");
    assert_eq!(bridge.bridge_name(), "rbox0");
    assert_eq!(bridge.options.len(), 6);
    let error = place.store.remove(&bridge, DEAD).unwrap_err().to_string();
    assert_eq!(
        error,
        "bridge is a pre-defined network and cannot be removed"
    );
    assert_eq!(
        place.store.get("default").unwrap_err().to_string(),
        "network default not found"
    );
}

#[test]
fn networks_are_found_by_name_then_id_then_prefix() {
    let Some(place) = Place::new("networks_are_found_by_name_then_id_then_prefix") else {
        return;
    };
    let network = place.create("bad/name ü", &[]);
    let get = |text: &str| place.store.get(text).map_err(|error| error.to_string());
    assert_eq!(get("bad/name ü").unwrap(), network);
    assert_eq!(get(&network.id).unwrap(), network);
    assert_eq!(get(&network.id[..12]).unwrap(), network);
    let shadow = place.create(&network.id[..12], &[]);
    assert_eq!(
        get(&network.id[..12]).unwrap(),
        shadow,
        "a name comes before an id"
    );
    for missing in ["nosuch", "", "../state/bridge", &format!("{}0", network.id)] {
        assert_eq!(
            get(missing).unwrap_err(),
            format!("network {missing} not found")
        );
    }
    // Seventeen networks: two ids begin with the same digit.
    for number in 0..13 {
        place.create(&format!("n{number}"), &[]);
    }
    let ambiguous = (0..16u8).any(|digit| {
        get(&format!("{digit:x}")).is_err_and(|error| error.contains("is ambiguous ("))
    });
    assert!(ambiguous);
}

#[test]
fn a_network_is_its_bridge_and_its_record_and_goes_whole() {
    let Some(place) = Place::new("a_network_is_its_bridge_and_its_record_and_goes_whole") else {
        return;
    };
    place.store.list().unwrap();
    let before = place.traces();
    let network = place.create("h4x", &["ipv6"]);
    assert_eq!(network.pools[0].subnet.to_string(), "172.18.0.0/16");
    assert!(network.pools[1].subnet.to_string().starts_with("fd"));
    let link = Route::open()
        .unwrap()
        .link(&network.bridge_name())
        .unwrap()
        .unwrap();
    assert!(link.up);
    assert_eq!(link.mac.unwrap().0[..2], [0x02, 0x42]);
    assert_eq!(place.store.get("h4x").unwrap(), network);
    place.store.remove(&network, ALIVE).unwrap();
    let mut after = place.traces();
    after.retain(|trace| !trace.contains("/ula-prefix"));
    let mut before = before;
    before.retain(|trace| !trace.contains("/ula-prefix"));
    assert_eq!(after, before);
    assert!(matches!(
        place.store.remove(&network, ALIVE),
        Err(RemoveError::NotFound(_))
    ));
}

#[test]
fn a_refused_network_leaves_nothing() {
    let Some(place) = Place::new("a_refused_network_leaves_nothing") else {
        return;
    };
    let first = place.create(
        "h4n1",
        &[
            "subnet=10.220.0.0/24",
            "com.docker.network.bridge.name=h4br0",
        ],
    );
    let before = place.traces();
    for (name, words, error) in [
        (
            "h4n1",
            &["subnet=10.221.0.0/24"][..],
            "network with name h4n1 already exists",
        ),
        (
            "h4x",
            &["subnet=10.220.0.128/25"],
            "invalid pool request: Pool overlaps with other one on this address space",
        ),
        (
            "h4x",
            &["subnet=0.0.0.0/0"],
            "invalid pool request: Pool overlaps with other one on this address space",
        ),
        (
            "h4x",
            &["com.docker.network.bridge.name=lo"],
            "existing interface lo is not a bridge",
        ),
        (
            "h4x",
            &["com.docker.network.driver.mtu=-1"],
            "invalid MTU number: -1",
        ),
        (
            "h4x",
            &["subnet=10.210.0.0/24", "gateway=10.210.0.255"],
            "failed to allocate gateway (10.210.0.255): Address already in use",
        ),
        (
            "h4x",
            &["subnet=10.210.0.0/24", "subnet=10.212.0.0/24"],
            "bridge driver doesn't support multiple subnets",
        ),
        (
            "bridge",
            &[],
            "operation is not permitted on predefined bridge network",
        ),
    ] {
        assert_eq!(place.try_create(name, words).unwrap_err(), error);
        assert_eq!(place.traces(), before, "{error}");
    }
    let error = place
        .try_create("h4x", &["com.docker.network.bridge.name=h4br0"])
        .unwrap_err();
    assert!(
        error.starts_with("cannot create network ")
            && error.ends_with(&format!(
                " (h4br0): conflicts with network {} (h4br0): networks have same bridge name",
                first.id
            )),
        "{error}"
    );
    let error = place
        .try_create("h4x", &["com.docker.network.bridge.name=rbox0"])
        .unwrap_err();
    assert!(error.ends_with("networks have same bridge name"), "{error}");
    assert_eq!(place.traces(), before);
}

#[test]
fn automatic_subnets_keep_clear_of_the_hosts_routes() {
    let Some(place) = Place::new("automatic_subnets_keep_clear_of_the_hosts_routes") else {
        return;
    };
    let mut route = Route::open().unwrap();
    let index = route
        .create_bridge("elsewhere", Mac([2, 0, 0, 0, 0, 9]), 1500)
        .unwrap();
    route
        .add_address(index, "172.18.7.1".parse().unwrap(), 24, true, true)
        .unwrap();
    assert_eq!(
        place.create("a", &[]).pools[0].subnet.to_string(),
        "172.19.0.0/16"
    );
}

#[test]
fn somebodys_bridge_is_used_and_left_as_it_was() {
    let Some(place) = Place::new("somebodys_bridge_is_used_and_left_as_it_was") else {
        return;
    };
    let mut route = Route::open().unwrap();
    let index = route
        .create_bridge("theirs", Mac([2, 0, 0, 0, 0, 9]), 1500)
        .unwrap();
    let network = place.create(
        "a",
        &[
            "subnet=10.241.0.0/24",
            "com.docker.network.bridge.name=theirs",
        ],
    );
    assert!(network.adopted);
    let mut sandbox = Sandbox::new(&place, "c");
    sandbox.attach(&place, &network);
    sandbox.undo();
    place.store.remove(&network, ALIVE).unwrap();
    assert_eq!(route.link_index("theirs").unwrap(), Some(index));
    assert!(
        !route
            .addresses()
            .unwrap()
            .iter()
            .any(|a| a.address.to_string() == "10.241.0.1")
    );
}

#[test]
fn of_creates_at_once_each_name_and_each_subnet_is_had_once() {
    let Some(place) = Place::new("of_creates_at_once_each_name_and_each_subnet_is_had_once") else {
        return;
    };
    let results: Vec<Result<String, String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|number| {
                let place = &place;
                scope.spawn(move || {
                    place
                        .try_create(&format!("n{}", number % 8), &[])
                        .map(|network| network.pools[0].subnet.to_string())
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let subnets: HashSet<&String> = results.iter().flatten().collect();
    assert_eq!(subnets.len(), 8);
    let refusals = results.iter().filter_map(|result| result.as_ref().err());
    assert_eq!(
        refusals
            .filter(|error| error.ends_with("already exists"))
            .count(),
        8
    );
    let names: Vec<String> = place
        .store
        .list()
        .unwrap()
        .into_iter()
        .map(|network| network.name)
        .collect();
    assert_eq!(names[..4], ["bridge", "host", "n0", "n1"]);
}

#[test]
fn running_containers_hold_a_network_and_dead_ones_do_not() {
    let Some(place) = Place::new("running_containers_hold_a_network_and_dead_ones_do_not") else {
        return;
    };
    let network = place.create("h4n", &["subnet=10.241.0.0/24"]);
    let (mut a, mut b) = (Sandbox::new(&place, "h4b"), Sandbox::new(&place, "h4a"));
    let (end_b, end_a) = (a.attach(&place, &network), b.attach(&place, &network));
    let error = place.store.remove(&network, ALIVE).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "error while removing network: network h4n has active endpoints \
             (name:\"h4a\" id:\"{}\", name:\"h4b\" id:\"{}\")",
            &end_a.id[..12],
            &end_b.id[..12]
        )
    );
    assert_eq!(
        place.store.prune(&|_| true, ALIVE).unwrap(),
        Vec::<String>::new()
    );
    let other = place.create("h4m", &["subnet=10.242.0.0/24"]);
    let keep_h4m = place
        .store
        .prune(&|network| network.name != "h4m", DEAD)
        .unwrap();
    assert_eq!(keep_h4m, ["h4n"]);
    assert!(!place.store.run_dir(&network).exists());
    assert_eq!(
        Route::open().unwrap().link(&end_a.host_ifname).unwrap(),
        None
    );
    a.undo();
    b.undo();
    assert!(
        !place.store.run_dir(&network).exists(),
        "undo of the dead makes nothing again"
    );
    assert_eq!(place.store.prune(&|_| true, DEAD).unwrap(), [other.name]);
    assert_eq!(place.store.list().unwrap().len(), 3);
}
