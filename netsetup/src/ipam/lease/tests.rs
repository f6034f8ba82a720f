use std::collections::HashSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::model::network::tests::network;

const ALIVE: &dyn Fn(&str) -> bool = &|_| true;
const DEAD: &dyn Fn(&str) -> bool = &|_| false;

struct Place {
    directory: tempfile::TempDir,
    network: Network,
}

impl Place {
    fn new(subnet: &str) -> Place {
        Place {
            directory: tempfile::tempdir().unwrap(),
            network: network("h4x", &[subnet]),
        }
    }

    fn request<'a>(
        &'a self,
        owner: &'a str,
        is_alive: &'a dyn Fn(&str) -> bool,
    ) -> LeaseRequest<'a> {
        LeaseRequest {
            run_dir: self.directory.path(),
            network: &self.network,
            owner,
            is_alive,
        }
    }

    fn lease(
        &self,
        owner: &str,
        fixed: Option<&str>,
        prefer: Option<&str>,
    ) -> Result<Lease, String> {
        self.lease_among(owner, fixed, prefer, ALIVE)
    }

    fn lease_among(
        &self,
        owner: &str,
        fixed: Option<&str>,
        prefer: Option<&str>,
        is_alive: &dyn Fn(&str) -> bool,
    ) -> Result<Lease, String> {
        let address = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        lease(
            &self.request(owner, is_alive),
            &self.network.pools[0],
            address(fixed),
            address(prefer),
            &mut |_| Ok(()),
        )
        .map_err(|error| error.to_string())
    }

    fn address(&self, owner: &str) -> String {
        self.lease(owner, None, None).unwrap().address.to_string()
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.directory.path().join(DIRECTORY))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn the_file_says_whose_the_address_is() {
    let place = Place::new("10.0.0.0/24");
    let lease = place.lease("owner-a", None, None).unwrap();
    assert_eq!(lease.address.to_string(), "10.0.0.2");
    assert_eq!(fs::read_to_string(&lease.path).unwrap(), "owner-a");
    assert_eq!(place.files(), ["10.0.0.2"]);
    release(&lease.path, "owner-b").unwrap();
    assert_eq!(
        place.files(),
        ["10.0.0.2"],
        "only its owner gives a lease back"
    );
    release(&lease.path, "owner-a").unwrap();
    release(&lease.path, "owner-a").unwrap();
    assert!(place.files().is_empty());
}

#[test]
fn a_fresh_container_does_not_inherit_the_address_of_one_just_gone() {
    let place = Place::new("10.0.0.0/29");
    let first = place.lease("a", None, None).unwrap();
    release(&first.path, "a").unwrap();
    assert_eq!(place.address("b"), "10.0.0.3");
    assert_eq!(place.address("c"), "10.0.0.4");
    assert_eq!(place.address("d"), "10.0.0.5");
    assert_eq!(place.address("e"), "10.0.0.6");
    assert_eq!(place.address("f"), "10.0.0.2", "it goes round");
    assert_eq!(
        place.lease("g", None, None).unwrap_err(),
        format!(
            "no available IPv4 addresses on this network's address pools: h4x ({})",
            place.network.id
        )
    );
}

#[test]
fn a_restarted_container_gets_its_address_back_if_it_is_free() {
    let place = Place::new("10.0.0.0/24");
    assert_eq!(
        place
            .lease("a", None, Some("10.0.0.9"))
            .unwrap()
            .address
            .to_string(),
        "10.0.0.9"
    );
    assert_eq!(
        place
            .lease("b", None, Some("10.0.0.9"))
            .unwrap()
            .address
            .to_string(),
        "10.0.0.2"
    );
    for useless in ["10.0.0.1", "10.0.0.255", "192.0.2.1"] {
        assert_ne!(
            place
                .lease("c", None, Some(useless))
                .unwrap()
                .address
                .to_string(),
            useless
        );
    }
}

#[test]
fn fixed_addresses_are_taken_or_refused_with_dockers_texts() {
    let mut place = Place::new("10.220.0.0/24");
    place.network.pools[0].aux = [("nas".to_owned(), "10.220.0.9".parse().unwrap())].into();
    place.network.pools[0].ip_range = Some("10.220.0.64/26".parse().unwrap());
    let lease = place.lease("a", Some("10.220.0.5"), None).unwrap();
    assert_eq!(
        lease.address.to_string(),
        "10.220.0.5",
        "outside the range but in the subnet"
    );
    for taken in [
        "10.220.0.5",
        "10.220.0.1",
        "10.220.0.0",
        "10.220.0.255",
        "10.220.0.9",
    ] {
        assert_eq!(
            place.lease("b", Some(taken), None).unwrap_err(),
            "Address already in use",
            "{taken}"
        );
    }
    assert_eq!(
        place.lease("b", Some("10.9.0.1"), None).unwrap_err(),
        "invalid address 10.9.0.1: it does not belong to any of this network's subnets"
    );
    assert_eq!(
        place.lease("a", Some("10.220.0.5"), None).unwrap(),
        lease,
        "its own it may have"
    );
}

#[test]
fn leases_of_the_dead_are_taken_over() {
    let place = Place::new("10.0.0.0/30");
    let old = place.lease("dead", None, None).unwrap();
    assert_eq!(
        place.lease("b", Some("10.0.0.2"), None).unwrap_err(),
        "Address already in use",
        "its owner lives"
    );
    let new = place.lease_among("b", None, None, DEAD).unwrap();
    assert_eq!(new, old);
    assert_eq!(fs::read_to_string(&new.path).unwrap(), "b");
    release(&old.path, "dead").unwrap();
    assert_eq!(
        place.files(),
        ["10.0.0.2"],
        "the dead one's undo leaves the new lease alone"
    );
    let again = place
        .lease_among("c", Some("10.0.0.2"), None, DEAD)
        .unwrap();
    assert_eq!(fs::read_to_string(&again.path).unwrap(), "c");
    assert_eq!(place.files(), ["10.0.0.2"], "no draft is left");
}

#[test]
fn the_journal_is_asked_before_each_file_and_can_forbid_it() {
    let place = Place::new("10.0.0.0/24");
    place.lease("other", None, Some("10.0.0.2")).unwrap();
    let mut seen = Vec::new();
    let taken = lease(
        &place.request("a", ALIVE),
        &place.network.pools[0],
        None,
        None,
        &mut |path| {
            assert!(!path.exists());
            seen.push(path.to_owned());
            Ok(())
        },
    )
    .unwrap();
    assert_eq!(
        seen,
        std::slice::from_ref(&taken.path),
        "no line for addresses seen to be taken"
    );
    let refused = lease(
        &place.request("b", ALIVE),
        &place.network.pools[0],
        None,
        None,
        &mut |_| Err(io::Error::other("disk full")),
    );
    assert_eq!(
        refused.unwrap_err().to_string(),
        "lease 10.0.0.4 on network h4x: disk full"
    );
    assert_eq!(place.files(), ["10.0.0.2", "10.0.0.3"]);
}

#[test]
fn both_families_or_none() {
    let mut place = Place::new("10.0.0.0/24");
    place.network = network("six", &["10.0.0.0/24", "fd00::/64"]);
    let config = EndpointConfig::default();
    let both = lease_endpoint(&place.request("a", ALIVE), &config, &[], &mut |_| Ok(())).unwrap();
    assert_eq!(both.ip(), Some("10.0.0.2".parse().unwrap()));
    assert_eq!(both.ip6(), Some("fd00::2".parse().unwrap()));
    let config = EndpointConfig {
        ip6: both.ip6(),
        ..config
    };
    lease_endpoint(&place.request("b", ALIVE), &config, &[], &mut |_| Ok(())).unwrap_err();
    assert_eq!(place.files(), ["10.0.0.2", "fd00::2"]);
}

#[test]
fn fifty_threads_starting_at_once_never_share_an_address() {
    let place = Place::new("10.0.0.0/26");
    let barrier = Barrier::new(50);
    let addresses: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..50)
            .map(|number| {
                let (place, barrier) = (&place, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    place.address(&format!("owner-{number}"))
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(addresses.iter().collect::<HashSet<_>>().len(), 50);
    assert_eq!(place.files().len(), 50);
}

#[test]
fn competitors_for_a_dead_owners_only_address_leave_one_winner() {
    for _ in 0..20 {
        let place = Place::new("10.0.0.0/30");
        let old = place.lease("dead", None, None).unwrap();
        let barrier = Barrier::new(8);
        let won = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for number in 0..8 {
                let (place, barrier, won, old) = (&place, &barrier, &won, &old);
                scope.spawn(move || {
                    let owner = format!("owner-{number}");
                    barrier.wait();
                    if number == 0 {
                        // The dead one's journal is undone at the same time.
                        release(&old.path, "dead").unwrap();
                    }
                    let alive = |holder: &str| holder != "dead";
                    if let Ok(lease) = place.lease_among(&owner, None, None, &alive) {
                        assert_eq!(fs::read_to_string(lease.path).unwrap(), owner);
                        won.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(won.into_inner(), 1);
        assert_eq!(place.files(), ["10.0.0.2"]);
    }
}

/// Run by `ten_processes…` in processes of its own.
#[test]
fn a_process_leases_five() {
    let Ok(directory) = std::env::var("RBOX_TEST_LEASE_DIR") else {
        return;
    };
    let network = network("h4x", &["10.0.0.0/26"]);
    for number in 0..5 {
        let owner = format!("owner-{}-{number}", std::process::id());
        let request = LeaseRequest {
            run_dir: Path::new(&directory),
            network: &network,
            owner: &owner,
            is_alive: ALIVE,
        };
        lease(&request, &network.pools[0], None, None, &mut |_| Ok(())).unwrap();
    }
}

#[test]
fn ten_processes_leasing_at_once_never_share_an_address() {
    let place = Place::new("10.0.0.0/26");
    let program = std::env::current_exe().unwrap();
    let children: Vec<_> = (0..10)
        .map(|_| {
            std::process::Command::new(&program)
                .args(["--exact", "ipam::lease::tests::a_process_leases_five"])
                .env("RBOX_TEST_LEASE_DIR", place.directory.path())
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let files = place.files();
    assert_eq!(files.len(), 50, "{files:?}");
    let owners: HashSet<String> = files
        .iter()
        .map(|name| fs::read_to_string(place.directory.path().join(DIRECTORY).join(name)).unwrap())
        .collect();
    assert_eq!(owners.len(), 50);
}

#[test]
fn an_owner_that_comes_back_to_life_keeps_its_lease_against_a_taker() {
    let place = Place::new("10.0.0.0/30");
    place.lease("a", None, None).unwrap();
    let asked = AtomicUsize::new(0);
    // Dead when first asked after, started again before the lock was held.
    let revived = |_: &str| asked.fetch_add(1, Ordering::Relaxed) > 0;
    assert_eq!(
        place
            .lease_among("b", Some("10.0.0.2"), None, &revived)
            .unwrap_err(),
        "Address already in use"
    );
    assert_eq!(place.address("a"), "10.0.0.2");
}

#[test]
fn an_address_that_is_given_back_while_its_holder_is_asked_after_is_free() {
    let place = Place::new("10.0.0.0/30");
    for fixed in [Some("10.0.0.2"), None] {
        let lease = place.lease("ending", Some("10.0.0.2"), None).unwrap();
        let ends = |_: &str| {
            let _ = std::fs::remove_file(&lease.path);
            false
        };
        let next = place.lease_among("next", fixed, None, &ends).unwrap();
        assert_eq!(next.address, lease.address);
        release(&next.path, "next").unwrap();
    }
}
