//! Sockets that wait for packets, from `/proc/net/tcp` and its like (proc(5)).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::packet::Transport;
use super::world::Listener;

const LISTENS: &str = "0A";
/// A datagram socket that is not connected.
const UNCONNECTED: &str = "07";

/// The waiting sockets of one such file.
pub fn parse(text: &str, transport: Transport) -> Vec<Listener> {
    let waiting = match transport {
        Transport::Tcp => LISTENS,
        _ => UNCONNECTED,
    };
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let local = words.nth(1)?;
            let state = words.nth(1)?;
            let (address, port) = local.split_once(':')?;
            let listener = Listener {
                address: self::address(address)?,
                port: u16::from_str_radix(port, 16).ok()?,
                transport,
            };
            (state == waiting).then_some(listener)
        })
        .collect()
}

/// Words of 32 bits in host order, each as a number in hexadecimal.
fn address(text: &str) -> Option<IpAddr> {
    let mut octets = Vec::new();
    for at in (0..text.len()).step_by(8) {
        let word = u32::from_str_radix(text.get(at..at + 8)?, 16).ok()?;
        octets.extend_from_slice(&word.to_ne_bytes());
    }
    if let Ok(v4) = <[u8; 4]>::try_from(octets.as_slice()) {
        return Some(Ipv4Addr::from(v4).into());
    }
    <[u8; 16]>::try_from(octets.as_slice())
        .ok()
        .map(|v6| Ipv6Addr::from(v6).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn only_sockets_that_wait_are_listed() {
        let text = "  sl  local_address rem_address   st\n   \
                    0: 0100007F:1F90 00000000:0000 0A 00000000:00000000\n   \
                    1: 0100007F:1F91 0100007F:0050 01 00000000:00000000\n";
        let found = parse(text, Transport::Tcp);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].address.to_string(), "127.0.0.1");
        assert_eq!(found[0].port, 8080);
        let text = "head\n 1: 00000000000000000000000001000000:0035 0:0 07\n";
        let found = parse(text, Transport::Udp);
        assert_eq!(found[0].address.to_string(), "::1");
    }

    #[test]
    fn lines_that_are_none_are_left_out() {
        assert!(parse("head\n\nx y\n 0: zz:1 0:0 0A\n", Transport::Tcp).is_empty());
        assert!(parse("", Transport::Tcp).is_empty());
    }
}
