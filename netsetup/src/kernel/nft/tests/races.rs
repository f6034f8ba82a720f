//! Several programs at the table at once.

use std::thread;

use super::ruleset::ready;
use crate::kernel::nft::{Nft, NftError};
use crate::kernel::testing::network;

const PROGRAMS: usize = 4;
const ROUNDS: usize = 100;

/// A generation has its number before all of its elements can be listed.
#[test]
fn several_change_the_same_network_at_once() {
    let Some(mut nft) = ready("several_change_the_same_network_at_once") else {
        return;
    };
    let open = network("br-a", &["172.18.0.1/16", "fd00::1/64"]);
    let mut shut = open.clone();
    shut.icc = false;
    let program = || {
        // Its closing waits for what was removed, and so it stays open.
        let mut nft = Nft::open().unwrap();
        let steps = [&open, &shut].into_iter().cycle().take(ROUNDS);
        steps
            .filter_map(|step| nft.network_add(step).err())
            .collect::<Vec<NftError>>()
    };
    let failures = thread::scope(|scope| {
        let programs = [(); PROGRAMS].map(|()| scope.spawn(program));
        programs
            .map(|program| program.join().unwrap())
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
    });
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(nft.networks().unwrap().len(), 1);
    nft.network_remove("br-a").unwrap();
    assert_eq!(nft.networks().unwrap(), []);
}
