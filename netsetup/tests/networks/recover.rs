use rbox_netsetup::apply::{self, Journal};
use rbox_netsetup::ipam::Leases;
use rbox_netsetup::ipam::lease::{LeaseRequest, lease_endpoint};
use rbox_netsetup::kernel::netlink::Route;
use rbox_netsetup::kernel::nft::Nft;
use rbox_netsetup::model::endpoint::EndpointConfig;
use rbox_netsetup::model::network::Network;
use rbox_netsetup::model::port::PublishedPort;
use rbox_netsetup::plan::{self, EndpointRequest, Step};

use super::place::{ALIVE, Place, Sandbox};

/// Leases journalled as a start does, and all steps that come after them.
fn planned(place: &Place, sandbox: &Sandbox, network: &Network) -> (Leases, Vec<Step>) {
    let run_dir = place.store.run_dir(network);
    let mut journal = Journal::open(&sandbox.journal_path).unwrap();
    let config = EndpointConfig::default();
    let request = LeaseRequest {
        run_dir: &run_dir,
        network,
        owner: &sandbox.owner,
        is_alive: ALIVE,
    };
    let leases = lease_endpoint(&request, &config, &[], &mut |path| {
        journal.append(&Step::Lease {
            path: path.to_owned(),
            owner: sandbox.owner.clone(),
        })
    })
    .unwrap();
    let planned = plan::endpoint(&EndpointRequest {
        network,
        config: &config,
        leases: &leases,
        run_dir: &run_dir,
        record: &place.store.record_path(network),
        id: "e0".to_owned(),
        owner: &sandbox.owner,
        owner_name: &sandbox.name,
        hostname: Some("h"),
        taken: &[],
        hairpin: false,
    });
    let mut steps = vec![Step::NetnsName {
        path: place.path().join("netns/rbox-web"),
    }];
    steps.extend(planned.steps);
    steps.extend(plan::default_route(&[(network, &planned.endpoint, 0)]));
    steps.push(Step::ResolverRedirect {
        udp: 5300,
        tcp: 5301,
    });
    steps.push(Step::Ports {
        ports: vec![PublishedPort {
            container: "80/tcp".parse().unwrap(),
            host_ip: "0.0.0.0".parse().unwrap(),
            host_port: 8080,
        }],
        to: leases.ip().unwrap().into(),
        owner: sandbox.owner.clone(),
        shortcuts: vec!["10.242.0.0/24".parse().unwrap()],
    });
    steps.push(Step::Reach {
        ports: vec!["80/tcp".parse().unwrap()],
        at: leases.ip().unwrap().into(),
        interfaces: vec!["eth7".to_owned()],
        owner: sandbox.owner.clone(),
    });
    (leases, steps)
}

#[test]
fn a_start_that_dies_after_any_step_is_undone_whole() {
    let Some(place) = Place::new("a_start_that_dies_after_any_step_is_undone_whole") else {
        return;
    };
    std::fs::create_dir(place.path().join("netns")).unwrap();
    let network = place.create("n", &["subnet=10.241.0.0/24", "subnet=fd00:1::/64", "ipv6"]);
    let before = place.traces_of_containers();
    let mut count = 1;
    let mut stop = 0;
    while stop <= count {
        let sandbox = Sandbox::new(&place, "web");
        let (_, steps) = planned(&place, &sandbox, &network);
        count = steps.len();
        sandbox.with(|journal, context| {
            for step in &steps[..stop] {
                journal.apply(step, context).unwrap();
            }
            // Written down but not tried: undone just the same.
            if let Some(step) = steps.get(stop) {
                journal.append(step).unwrap();
            }
        });
        if stop == count {
            let ports = Nft::open().unwrap().ports().unwrap();
            assert_eq!(ports.len(), 1);
            assert_eq!(ports[0].owner, sandbox.owner);
            assert!(place.path().join("netns/rbox-web").exists());
        }
        sandbox.undo();
        assert_eq!(
            place.traces_of_containers(),
            before,
            "after {stop} of {count} steps"
        );
        assert!(!place.path().join("netns/rbox-web").exists());
        stop += 1;
    }
    assert_eq!(count, 8);
}

#[test]
fn a_bridge_that_somebody_deleted_is_made_again() {
    let Some(place) = Place::new("a_bridge_that_somebody_deleted_is_made_again") else {
        return;
    };
    let network = place.create("n", &["subnet=10.241.0.0/24"]);
    let bridge = network.bridge_name();
    let mac = Route::open().unwrap().link(&bridge).unwrap().unwrap().mac;
    let whole = place.traces_of_containers();
    Route::open().unwrap().delete_link(&bridge).unwrap();
    Nft::open().unwrap().delete_table().unwrap();
    let (mut a, mut b) = (Sandbox::new(&place, "a"), Sandbox::new(&place, "b"));
    a.attach(&place, &network);
    let address = b.attach(&place, &network).ip.unwrap().0;
    assert!(a.reaches(&b, address.into()));
    assert_eq!(
        Route::open().unwrap().link(&bridge).unwrap().unwrap().mac,
        mac
    );
    a.undo();
    b.undo();
    assert_eq!(place.traces_of_containers(), whole);
}

#[test]
fn an_address_that_the_bridge_lost_comes_back() {
    let Some(place) = Place::new("an_address_that_the_bridge_lost_comes_back") else {
        return;
    };
    let network = place.create("n", &["subnet=10.241.0.0/24"]);
    let mut route = Route::open().unwrap();
    let index = route.link_index(&network.bridge_name()).unwrap().unwrap();
    route
        .delete_address(index, "10.241.0.1".parse().unwrap(), 24)
        .unwrap();
    Sandbox::new(&place, "a").attach(&place, &network);
    let present = route.addresses().unwrap();
    assert!(
        present
            .iter()
            .any(|a| a.index == index && a.address.to_string() == "10.241.0.1")
    );
}

#[test]
fn a_pair_left_by_an_earlier_life_is_replaced() {
    let Some(place) = Place::new("a_pair_left_by_an_earlier_life_is_replaced") else {
        return;
    };
    let network = place.create("n", &["subnet=10.241.0.0/24"]);
    let mut old = Sandbox::new(&place, "a");
    let left = old.attach(&place, &network);
    // Its journal is lost, its namespace still there; the same container starts again.
    let mut new = Sandbox::new(&place, "a");
    new.owner.clone_from(&old.owner);
    let endpoint = new.attach(&place, &network);
    assert_eq!(endpoint.host_ifname, left.host_ifname);
    assert_eq!(new.defaults(), ["10.241.0.1 eth0"]);
    assert_eq!(place.store.endpoints(&network).unwrap(), [endpoint]);
}

#[test]
fn a_broken_step_does_not_keep_the_others_from_being_undone() {
    let Some(place) = Place::new("a_broken_step_does_not_keep_the_others_from_being_undone") else {
        return;
    };
    let network = place.create("n", &["subnet=10.241.0.0/24"]);
    let before = place.traces_of_containers();
    let mut a = Sandbox::new(&place, "a");
    a.attach(&place, &network);
    let bad = place.path().join("a-file");
    std::fs::create_dir(&bad).unwrap();
    let mut journal = Journal::open(&a.journal_path).unwrap();
    journal
        .append(&Step::NetnsName { path: bad.clone() })
        .unwrap();
    let errors = apply::undo_all(&a.journal_path, &Vec::new);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].to_string().contains("a-file"));
    assert_eq!(place.traces_of_containers(), before);
    assert!(a.journal_path.exists(), "it is tried again");
    std::fs::remove_dir(bad).unwrap();
    a.undo();
}
