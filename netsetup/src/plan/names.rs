//! Names and addresses that follow from ids: the same input gives the same bytes, so that a
//! repeated step finds what it made before.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::model::mac::Mac;

/// First octets of every MAC address that rbox makes: locally administered, as Docker's.
const PREFIX: [u8; 2] = [0x02, 0x42];

/// The MAC address of an endpoint follows from its address: 172.17.0.2 has
/// `02:42:ac:11:00:02`. Where there is no IPv4 it is the last four octets of the IPv6 one.
pub fn endpoint_mac(ip: Option<Ipv4Addr>, ip6: Option<Ipv6Addr>) -> Option<Mac> {
    let tail = match (ip, ip6) {
        (Some(ip), _) => ip.octets(),
        (None, Some(ip6)) => {
            let octets = ip6.octets();
            [octets[12], octets[13], octets[14], octets[15]]
        }
        (None, None) => return None,
    };
    Some(mac(tail))
}

/// The MAC address of a bridge follows from the network's id.
pub fn bridge_mac(network_id: &str) -> Mac {
    mac(hex_bits(network_id).to_be_bytes()[..4]
        .try_into()
        .unwrap_or([0; 4]))
}

fn mac(tail: [u8; 4]) -> Mac {
    let [c, d, e, f] = tail;
    Mac([PREFIX[0], PREFIX[1], c, d, e, f])
}

/// The host end's name: `veth` and eleven hexadecimal digits (15 bytes, all that the kernel
/// takes) of the owner's and the network's id, both of which are random.
pub fn host_ifname(owner: &str, network_id: &str) -> String {
    // The multiplication keeps the two apart: equal bits of both would cancel each other.
    let bits = hex_bits(owner).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ hex_bits(network_id);
    format!("veth{:011x}", bits >> 20)
}

/// The first 64 bits of an id; of a text that is none, some function of it.
fn hex_bits(id: &str) -> u64 {
    match id.get(..16).map(|digits| u64::from_str_radix(digits, 16)) {
        Some(Ok(bits)) => bits,
        _ => id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }),
    }
}

/// The prefix with the lowest number that is free: `eth1` where there are `eth0` and `eth2`.
pub fn next_ifname(prefix: &str, taken: &[&str]) -> String {
    // One of so many candidates is free.
    (0..=taken.len())
        .map(|number| format!("{prefix}{number}"))
        .find(|name| !taken.contains(&name.as_str()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macs_follow_from_addresses() {
        let mac = |ip: Option<&str>, ip6: Option<&str>| {
            let (ip, ip6) = (
                ip.map(|ip| ip.parse().unwrap()),
                ip6.map(|ip| ip.parse().unwrap()),
            );
            endpoint_mac(ip, ip6).map(|mac| mac.to_string())
        };
        assert_eq!(mac(Some("172.17.0.2"), None).unwrap(), "02:42:ac:11:00:02");
        assert_eq!(
            mac(Some("10.220.0.77"), Some("fd00::2")).unwrap(),
            "02:42:0a:dc:00:4d"
        );
        assert_eq!(mac(None, Some("fd00::1:2")).unwrap(), "02:42:00:01:00:02");
        assert_eq!(mac(None, None), None);
        assert_eq!(
            bridge_mac("cb0011ff22334455aa").to_string(),
            "02:42:cb:00:11:ff"
        );
        assert_eq!(bridge_mac("h").to_string().len(), 17);
    }

    #[test]
    fn host_ends_have_fifteen_bytes_and_differ_by_owner_and_network() {
        let (owner, network) = ("00112233445566778899", "ffeeddccbbaa99887766");
        let name = host_ifname(owner, network);
        assert_eq!(name, host_ifname(owner, network));
        assert_eq!(name.len(), 15);
        assert_ne!(
            name,
            host_ifname("00112233445566778898aa", "0123456789abcdef")
        );
        assert_ne!(name, host_ifname(network, owner));
        assert_eq!(host_ifname("short", "").len(), 15);
    }

    #[test]
    fn interfaces_get_the_lowest_free_number() {
        assert_eq!(next_ifname("eth", &[]), "eth0");
        assert_eq!(next_ifname("eth", &["eth0", "lan7", "eth1"]), "eth2");
        assert_eq!(next_ifname("eth", &["eth1"]), "eth0");
        assert_eq!(next_ifname("eth", &["eth2", "eth0"]), "eth1");
        assert_eq!(next_ifname("lan", &["eth1", "lanx"]), "lan0");
    }
}
