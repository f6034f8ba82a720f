use rbox_netsetup::model::endpoint::EndpointConfig;

use super::place::{Place, Sandbox};

#[test]
fn the_default_route_follows_connect_and_disconnect() {
    let Some(place) = Place::new("the_default_route_follows_connect_and_disconnect") else {
        return;
    };
    let internal = place.create("a-internal", &["subnet=10.252.0.0/24", "internal"]);
    let h4x = place.create("h4x", &["subnet=10.231.0.0/24"]);
    let bridge = place.create("b", &["subnet=10.232.0.0/24"]);
    let mut container = Sandbox::new(&place, "h4multi");
    assert_eq!(container.attach(&place, &internal).gateway, None);
    assert!(
        container.defaults().is_empty(),
        "an internal network leads nowhere"
    );
    assert_eq!(container.attach(&place, &h4x).ifname, "eth1");
    assert_eq!(container.defaults(), ["10.231.0.1 eth1"]);
    container.attach(&place, &bridge);
    assert_eq!(
        container.defaults(),
        ["10.232.0.1 eth2"],
        "the first name wins"
    );
    container.detach(&place, &bridge);
    assert_eq!(container.defaults(), ["10.231.0.1 eth1"]);
    let config = EndpointConfig {
        gw_priority: -1,
        ..EndpointConfig::default()
    };
    container.attach_as(&place, &bridge, &config).unwrap();
    assert_eq!(
        container.defaults(),
        ["10.231.0.1 eth1"],
        "its priority is lower"
    );
    container.detach(&place, &h4x);
    assert_eq!(container.defaults(), ["10.232.0.1 eth2"]);
    container.detach(&place, &bridge);
    assert!(container.defaults().is_empty());
}

#[test]
fn a_detached_container_is_gone_from_names_and_neighbours() {
    let Some(place) = Place::new("a_detached_container_is_gone_from_names_and_neighbours") else {
        return;
    };
    let network = place.create("n", &["subnet=10.241.0.0/24"]);
    let before = place.traces_of_containers();
    let mut container = Sandbox::new(&place, "web");
    for _ in 0..3 {
        let endpoint = container.attach(&place, &network);
        assert_eq!(endpoint.ifname, "eth0");
        container.detach(&place, &network);
        assert_eq!(place.traces_of_containers(), before);
    }
    container.undo();
    assert_eq!(place.traces_of_containers(), before);
}
