//! Tables that other programs made: older ones, newer ones.

use super::ruleset::{CHAINS, ip, ready, ruleset};
use crate::kernel::nft::{Nft, NftError};
use crate::kernel::testing::{apart, network, output, published};
use crate::model::port::Protocol;

/// Lines and elements, whose order in a hash is the kernel's secret.
fn in_order(ruleset: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = ruleset
        .split(['\n', ',', '{', '}'])
        .map(str::trim)
        .collect();
    parts.sort_unstable();
    parts
}

#[test]
fn an_older_layout_is_replaced_and_keeps_its_elements() {
    let Some(mut nft) = ready("an_older_layout_is_replaced_and_keeps_its_elements") else {
        return;
    };
    nft.network_add(&network("br-a", &["172.18.0.1/16", "fd00::1/64"]))
        .unwrap();
    let port = published("0.0.0.0", 8080, 80, Protocol::Tcp);
    nft.ports_add(std::slice::from_ref(&port), ip("172.18.0.2"), &[], "owner")
        .unwrap();
    let (ports, networks) = (nft.ports().unwrap(), nft.networks().unwrap());

    let new = ruleset();
    let old = new
        .replace("rbox layout 4", "rbox layout 0")
        .replace("\t\tiifname @internal drop\n", "");
    assert!(!old.contains("iifname @internal"));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("flush ruleset\n{old}")).unwrap();
    output("nft", &["-f", file.path().to_str().unwrap()]);
    nft.ensure_table().unwrap();

    assert!(ruleset().contains(CHAINS.trim_start_matches('\n')));
    assert_eq!(nft.ports().unwrap(), ports);
    assert_eq!(nft.networks().unwrap(), networks);
    assert!(ruleset().contains("172.18.0.0/16 . \"br-a\""));
}

/// What the first release made of two networks and a published port.
const LAYOUT_1: &str = include_str!("layout1.nft");

#[test]
fn layout_1_is_replaced_and_its_networks_are_closed_at_once() {
    if !apart("layout_1_is_replaced_and_its_networks_are_closed_at_once") {
        return;
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), LAYOUT_1).unwrap();
    output("nft", &["-f", file.path().to_str().unwrap()]);
    let mut nft = Nft::open().unwrap();
    let ports = nft.ports().unwrap();
    assert_eq!((ports.len(), nft.networks().unwrap().len()), (1, 2));
    nft.ensure_table().unwrap();
    let replaced = ruleset();
    assert!(
        replaced.contains(CHAINS.trim_start_matches('\n')),
        "{replaced}"
    );
    assert_eq!(nft.ports().unwrap(), ports);

    // The same as if this program had made the networks.
    let mut inner = network("br-i", &["172.20.0.1/16"]);
    inner.internal = true;
    let fresh = [network("br-a", &["172.18.0.1/16", "fd00:18::1/64"]), inner];
    for step in &fresh {
        nft.network_add(step).unwrap();
    }
    assert_eq!(in_order(&ruleset()), in_order(&replaced));
    nft.delete_table().unwrap();
    nft.ensure_table().unwrap();
    for step in &fresh {
        nft.network_add(step).unwrap();
    }
    let port = published("0.0.0.0", 8080, 80, Protocol::Tcp);
    nft.ports_add(&[port], ip("172.18.0.2"), &[], "owner")
        .unwrap();
    assert_eq!(in_order(&ruleset()), in_order(&replaced));
}

#[test]
fn a_newer_layout_is_left_alone() {
    if !apart("a_newer_layout_is_left_alone") {
        return;
    }
    output(
        "nft",
        &["add table inet rbox { comment \"rbox layout 99\"; }"],
    );
    let error = Nft::open().unwrap().ensure_table().unwrap_err();
    assert!(
        matches!(error, NftError::Newer { found: 99, .. }),
        "{error}"
    );
    assert!(ruleset().contains("rbox layout 99"));
}
