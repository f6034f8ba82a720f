//! Which registries may be spoken to without proof of who they are.

use std::net::IpAddr;

use super::RegistryError;
use super::dns::is_localhost;

/// The hosts and networks that were named, and loopback.
#[derive(Debug, Clone)]
pub(super) struct Insecure {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
enum Rule {
    /// As in image names, with its port.
    Host(String),
    /// Of an address that is written as such.
    Network(IpAddr, u32),
}

impl Insecure {
    /// `reg.test:5000`, `192.0.2.0/24`; what Docker's `insecure-registries` takes.
    pub(super) fn new(texts: &[String]) -> Result<Insecure, RegistryError> {
        let rules = texts.iter().map(|text| {
            rule(text).ok_or_else(|| RegistryError::Setting {
                name: "insecure registry".to_owned(),
                value: text.clone(),
                problem: "neither HOST[:PORT] nor a network".to_owned(),
            })
        });
        Ok(Insecure {
            rules: rules.collect::<Result<_, _>>()?,
        })
    }

    /// Whether `authority` (`host[:port]`) is one of them.
    pub(super) fn contains(&self, authority: &str) -> bool {
        let host = host_of(authority);
        let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        let loopback = address.map_or_else(|| is_localhost(host), |address| address.is_loopback());
        loopback
            || self.rules.iter().any(|rule| match rule {
                Rule::Host(name) => name.eq_ignore_ascii_case(authority),
                Rule::Network(network, bits) => {
                    address.is_some_and(|address| within(address, *network, *bits))
                }
            })
    }
}

fn rule(text: &str) -> Option<Rule> {
    // Docker takes a URL, too, and warns.
    let text = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"))
        .unwrap_or(text)
        .trim_end_matches('/');
    if let Some((network, bits)) = text.split_once('/') {
        let network: IpAddr = network.parse().ok()?;
        let bits: u32 = bits.parse().ok()?;
        let most = if network.is_ipv4() { 32 } else { 128 };
        return (bits <= most).then_some(Rule::Network(network, bits));
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    (!text.is_empty() && text.bytes().all(plain)).then(|| Rule::Host(text.to_owned()))
}

/// Without the port.
pub(super) fn host_of(authority: &str) -> &str {
    if authority.starts_with('[') {
        return authority
            .find(']')
            .map_or(authority, |end| &authority[..=end]);
    }
    authority.split(':').next().unwrap_or(authority)
}

/// Whether an address is in a network given by its first bits.
pub(super) fn within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            a.to_bits() & mask == n.to_bits() & mask
        }
        (IpAddr::V6(a), IpAddr::V6(n)) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            a.to_bits() & mask == n.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_always_is_and_others_only_when_named() {
        let given = [
            "reg.test:5000",
            "192.0.2.0/25",
            "http://old.test/",
            "2001:db8::/32",
        ];
        let rules = Insecure::new(&given.map(str::to_owned)).unwrap();
        for yes in [
            "localhost",
            "localhost:5000",
            "x.localhost:1",
            "127.9.9.9:5000",
            "[::1]:5000",
            "reg.test:5000",
            "REG.test:5000",
            "192.0.2.127:80",
            "old.test",
            "[2001:db8::7]",
        ] {
            assert!(rules.contains(yes), "{yes}");
        }
        for no in [
            "reg.test",
            "reg.test:5001",
            "docker.io",
            "192.0.2.128",
            "notlocalhost",
            "127.0.0.1.evil.test",
            "[2001:db9::1]",
        ] {
            assert!(!rules.contains(no), "{no}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["", "a b", "192.0.2.0/33", "x/24"] {
            assert!(Insecure::new(&[bad.to_owned()]).is_err(), "{bad:?}");
        }
    }
}
