use std::sync::Barrier;
use std::time::Instant;

use rbox_netsetup::kernel::netlink::Route;
use rbox_netsetup::kernel::nft::Nft;
use rbox_netsetup::model::endpoint::EndpointConfig;
use rbox_netsetup::store::RemoveError;

use super::place::{ALIVE, Place, Sandbox};

#[test]
fn a_removal_and_a_start_that_cross_leave_all_or_nothing() {
    let Some(place) = Place::new("a_removal_and_a_start_that_cross_leave_all_or_nothing") else {
        return;
    };
    let alone = place.create("n", &["subnet=10.241.0.0/24"]);
    let mut sandbox = Sandbox::new(&place, "c");
    let begun = Instant::now();
    sandbox.attach(&place, &alone);
    let usual = begun.elapsed();
    sandbox.undo();
    place.store.remove(&alone, ALIVE).unwrap();
    let (mut removed, mut started) = (0, 0);
    for round in 0..40 {
        let network = place.create("n", &["subnet=10.241.0.0/24"]);
        if round % 2 == 0 {
            // After a reboot: the start makes the bridge.
            Route::open()
                .unwrap()
                .delete_link(&network.bridge_name())
                .unwrap();
        }
        let barrier = Barrier::new(2);
        let (attached, removal) = std::thread::scope(|scope| {
            let starting = scope.spawn(|| {
                let mut sandbox = Sandbox::new(&place, "c");
                barrier.wait();
                let result = sandbox.attach_as(&place, &network, &EndpointConfig::default());
                (result, sandbox)
            });
            let removing = scope.spawn(|| {
                barrier.wait();
                // At every stage of the other, from its beginning to well after its end.
                std::thread::sleep(usual * round / 15);
                place.store.remove(&network, ALIVE)
            });
            (starting.join().unwrap(), removing.join().unwrap())
        });
        match (&attached.0, &removal) {
            (Ok(_), Err(RemoveError::Active { .. })) => {
                started += 1;
                attached.1.undo();
                place.store.remove(&network, ALIVE).unwrap();
            }
            (Err(_), Ok(())) => removed += 1,
            (attached, removal) => panic!("{attached:?} {removal:?}"),
        }
        attached.1.undo();
        assert!(!place.store.run_dir(&network).exists(), "round {round}");
        let link = Route::open().unwrap().link(&network.bridge_name()).unwrap();
        assert_eq!(link, None, "round {round}");
        assert!(
            Nft::open().unwrap().networks().unwrap().is_empty(),
            "round {round}"
        );
    }
    assert!(
        removed > 0 && started > 0,
        "{removed} removals came first, {started} starts"
    );
}
