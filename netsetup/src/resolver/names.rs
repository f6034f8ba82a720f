//! Decides what a query gets from the names that this sandbox knows.
//!
//! A name is looked for as it stands in all networks, then as `name.network`.
//! Links come before names. The first network that knows it answers, networks
//! in the order of their names.
//!
//! A name that is known here is never asked of others, whatever the type and
//! class: an NXDOMAIN from outside would say that it has no addresses either
//! (RFC 8020). What it does not have is NODATA, without an SOA record, so that
//! nobody keeps it (RFC 2308).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hickory_proto::rr::{Name, RecordType};
use tokio::sync::watch;

use super::host_servers::HostServers;
use super::wire::{self, Query};
use super::zones::ZoneFile;
use super::{ResolverConfig, Upstream};
use crate::files::resolv::RESOLVER_ADDRESS;

/// Servers past these are never asked: no client would still be waiting.
const MAX_UPSTREAMS: usize = 3;

/// The names in force.
#[derive(Debug)]
pub(super) struct Names {
    source: watch::Receiver<ResolverConfig>,
    config: ResolverConfig,
    /// Sorted by name.
    networks: Vec<Network>,
    host: Option<HostServers>,
    shuffle: Shuffle,
    /// Kept to save allocations.
    key: Vec<u8>,
    found: Vec<IpAddr>,
}

#[derive(Debug)]
struct Network {
    name: String,
    zone: ZoneFile,
    /// Alias and target.
    links: Vec<(String, String)>,
}

impl Names {
    pub(super) fn new(mut source: watch::Receiver<ResolverConfig>) -> Names {
        let config = source.borrow_and_update().clone();
        let networks = networks(&config);
        let host = config.host_conf.as_deref().map(HostServers::new);
        let (key, found) = (Vec::new(), Vec::new());
        Names {
            source,
            config,
            networks,
            host,
            shuffle: Shuffle::new(),
            key,
            found,
        }
    }

    /// The configuration that the last answer was given by.
    pub(super) fn config(&self) -> &ResolverConfig {
        &self.config
    }

    /// Writes the answer, or returns false: someone else has to be asked.
    pub(super) fn answer(&mut self, query: &Query<'_>, out: &mut Vec<u8>) -> bool {
        self.refresh();
        if let Some(ip) = reverse_address(&query.name) {
            return self.reverse(query, ip, out);
        }
        if !self.look_up(&query.name) {
            return false;
        }
        self.found.retain(|ip| match query.kind {
            RecordType::A => query.internet && ip.is_ipv4(),
            RecordType::AAAA => query.internet && ip.is_ipv6(),
            _ => false,
        });
        self.shuffle.shuffle(&mut self.found);
        wire::addresses(query, &self.found, out);
        true
    }

    /// Who is asked about names that are not known, in order.
    pub(super) fn upstreams(&mut self) -> Vec<Upstream> {
        let given = &self.config.upstreams;
        let own = |upstream: &Upstream| match upstream.from_sandbox {
            // Ours, asked from the sandbox, would come round to us again.
            true => upstream.addr.ip() != RESOLVER_ADDRESS,
            false => self.config.forward,
        };
        let host = self.host.as_mut().and_then(HostServers::current);
        let from_host = host.unwrap_or_default().iter().map(|addr| Upstream {
            addr: *addr,
            from_sandbox: false,
        });
        let replaced = host.is_some();
        let given = given
            .iter()
            .filter(|upstream| upstream.from_sandbox || !replaced);
        given
            .copied()
            .chain(from_host)
            .filter(own)
            .take(MAX_UPSTREAMS)
            .collect()
    }

    fn refresh(&mut self) {
        if self.source.has_changed().unwrap_or(false) {
            self.config = self.source.borrow_and_update().clone();
            self.networks = networks(&self.config);
            self.host = self.config.host_conf.as_deref().map(HostServers::new);
        }
    }

    /// Puts the addresses of a name into `found`; whether it is known.
    fn look_up(&mut self, name: &Name) -> bool {
        self.found.clear();
        if !key(name, &mut self.key) {
            return false;
        }
        let (key, found) = (self.key.as_slice(), &mut self.found);
        self.networks
            .iter_mut()
            .any(|network| network.link(key, found))
            || self
                .networks
                .iter_mut()
                .any(|network| network.name(key, found))
            || self
                .networks
                .iter_mut()
                .any(|network| match network.without_suffix(key) {
                    Some(key) => network.link(key, found) || network.name(key, found),
                    None => false,
                })
    }

    fn reverse(&mut self, query: &Query<'_>, ip: IpAddr, out: &mut Vec<u8>) -> bool {
        let pointer = query.internet && query.kind == RecordType::PTR;
        self.networks
            .iter_mut()
            .any(|network| match network.zone.names().name(ip) {
                Some(host) if pointer => wire::pointer(query, host, &network.name, out),
                Some(_) => {
                    wire::addresses(query, &[], out);
                    true
                }
                None => false,
            })
    }
}

impl Network {
    fn name(&mut self, key: &[u8], found: &mut Vec<IpAddr>) -> bool {
        found.extend(self.zone.names().addresses(key));
        !found.is_empty()
    }

    /// A link whose target is not there is no name at all.
    fn link(&mut self, key: &[u8], found: &mut Vec<IpAddr>) -> bool {
        for (alias, target) in &self.links {
            if alias.as_bytes().eq_ignore_ascii_case(key) {
                found.extend(self.zone.names().addresses(target.as_bytes()));
            }
        }
        !found.is_empty()
    }

    fn without_suffix<'k>(&self, key: &'k [u8]) -> Option<&'k [u8]> {
        let dot = key.len().checked_sub(self.name.len() + 1)?;
        let (name, suffix) = key.split_at_checked(dot)?;
        let (b'.', suffix) = suffix.split_first()? else {
            return None;
        };
        suffix
            .eq_ignore_ascii_case(self.name.as_bytes())
            .then_some(name)
    }
}

fn networks(config: &ResolverConfig) -> Vec<Network> {
    let mut networks: Vec<Network> = config
        .networks
        .iter()
        .map(|zone| Network {
            name: zone.name.clone(),
            zone: ZoneFile::new(&zone.hosts_path),
            links: config
                .links
                .iter()
                .filter(|(_, _, network)| *network == zone.name)
                .map(|(alias, target, _)| (alias.clone(), target.clone()))
                .collect(),
        })
        .collect();
    networks.sort_by(|a, b| a.name.cmp(&b.name));
    networks
}

/// The name as text, without the last dot. False for one that no container can have.
fn key(name: &Name, key: &mut Vec<u8>) -> bool {
    key.clear();
    for label in name.iter() {
        if label.contains(&b'.') {
            return false;
        }
        if !key.is_empty() {
            key.push(b'.');
        }
        key.extend_from_slice(label);
    }
    !key.is_empty()
}

/// The address that a name under in-addr.arpa or ip6.arpa stands for, if it is a whole one.
fn reverse_address(name: &Name) -> Option<IpAddr> {
    let mut labels = name.iter().rev();
    let is = |label: Option<&[u8]>, text: &str| {
        label.is_some_and(|label| label.eq_ignore_ascii_case(text.as_bytes()))
    };
    if !is(labels.next(), "arpa") {
        return None;
    }
    let family = labels.next();
    let address = if is(family, "in-addr") {
        let mut octets = [0u8; 4];
        for octet in &mut octets {
            *octet = decimal(labels.next()?)?;
        }
        IpAddr::V4(Ipv4Addr::from(octets))
    } else if is(family, "ip6") {
        let mut bits = 0u128;
        for _ in 0..32 {
            let [digit] = labels.next()? else {
                return None;
            };
            bits = bits << 4 | u128::from(char::from(*digit).to_digit(16)?);
        }
        IpAddr::V6(Ipv6Addr::from(bits))
    } else {
        return None;
    };
    labels.next().is_none().then_some(address)
}

fn decimal(label: &[u8]) -> Option<u8> {
    if label.is_empty() || !label.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(label).ok()?.parse().ok()
}

/// A small generator: the order of addresses spreads load, it is no secret.
#[derive(Debug)]
struct Shuffle(u64);

impl Shuffle {
    fn new() -> Shuffle {
        let mut seed = [0u8; 8];
        let _ = rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty());
        Shuffle(u64::from_ne_bytes(seed) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn shuffle(&mut self, items: &mut [IpAddr]) {
        for last in (1..items.len()).rev() {
            let other = (self.next() % (last as u64 + 1)) as usize;
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn reverse(text: &str) -> Option<String> {
        reverse_address(&Name::from_ascii(text).unwrap()).map(|ip| ip.to_string())
    }

    #[test]
    fn reverse_names_give_whole_addresses_only() {
        assert_eq!(
            reverse("2.0.241.10.in-addr.arpa."),
            Some("10.241.0.2".into())
        );
        assert_eq!(
            reverse("2.0.241.10.IN-ADDR.ARPA."),
            Some("10.241.0.2".into())
        );
        let v6 = "9.9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.a.a.0.0.0.0.D.f.ip6.arpa.";
        assert_eq!(reverse(v6), Some("fd00:aa::99".into()));
        for bad in [
            "0.241.10.in-addr.arpa.",
            "1.2.0.241.10.in-addr.arpa.",
            "256.0.241.10.in-addr.arpa.",
            "x.0.241.10.in-addr.arpa.",
            "in-addr.arpa.",
            "arpa.",
            ".",
            "h4a.",
            "a.ip6.arpa.",
            "2.0.241.10.in-addr.arpa.example.",
        ] {
            assert_eq!(reverse(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_order_of_addresses_comes_up() {
        let mut shuffle = Shuffle(0x9e37_79b9_7f4a_7c15);
        let mut seen = BTreeSet::new();
        for _ in 0..200 {
            let mut items: Vec<IpAddr> = (1..=3u8)
                .map(|last| IpAddr::from([10, 0, 0, last]))
                .collect();
            shuffle.shuffle(&mut items);
            seen.insert(items);
        }
        assert_eq!(seen.len(), 6);
    }
}
