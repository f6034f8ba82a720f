//! `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, as Docker and curl read them.

use std::net::IpAddr;

use super::dns::is_localhost;
use super::insecure::within;
use super::url::Url;

/// The proxies of the environment.
#[derive(Debug, Clone, Default)]
pub(super) struct Proxies {
    http: Option<String>,
    https: Option<String>,
    direct: Vec<String>,
}

impl Proxies {
    /// From the process's environment, capital letters first.
    pub(super) fn from_environment() -> Proxies {
        Proxies::read(|name| std::env::var(name).ok())
    }

    fn read(get: impl Fn(&str) -> Option<String>) -> Proxies {
        let either = |name: &str| {
            get(name)
                .or_else(|| get(&name.to_lowercase()))
                .filter(|value| !value.is_empty())
        };
        Proxies {
            http: either("HTTP_PROXY"),
            https: either("HTTPS_PROXY"),
            direct: either("NO_PROXY")
                .unwrap_or_default()
                .split(',')
                .map(|entry| entry.trim().to_ascii_lowercase())
                .filter(|entry| !entry.is_empty())
                .collect(),
        }
    }

    /// The proxy for a URL; loopback never has one.
    pub(super) fn of(&self, url: &Url) -> Option<&str> {
        let proxy = if url.is_tls() {
            &self.https
        } else {
            &self.http
        };
        let proxy = proxy.as_deref()?;
        let host = url.host().trim_matches(['[', ']']).to_ascii_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        let local = address.map_or_else(|| is_localhost(&host), |address| address.is_loopback());
        let excepted = |entry: &String| matches(entry, &host, address, url.port());
        (!local && !self.direct.iter().any(excepted)).then_some(proxy)
    }
}

/// One entry: `*`, `example.com` (and all below it), `.example.com` (only below it),
/// an address, a network, each but the last with a port or without.
fn matches(entry: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let (Some((network, bits)), Some(address)) = (entry.split_once('/'), address) {
        return match (network.parse::<IpAddr>(), bits.parse::<u32>()) {
            (Ok(network), Ok(bits)) if bits <= if network.is_ipv4() { 32 } else { 128 } => {
                within(address, network, bits)
            }
            _ => false,
        };
    }
    let (name, wanted) = match entry.rsplit_once(':') {
        Some((name, digits)) if !name.contains(':') || name.ends_with(']') => {
            (name, digits.parse::<u16>().ok())
        }
        _ => (entry, None),
    };
    if wanted.is_some_and(|wanted| wanted != port) {
        return false;
    }
    let name = name.trim_matches(['[', ']']);
    if address.is_some() {
        return name.parse().ok() == address;
    }
    let name = name.strip_prefix('*').unwrap_or(name);
    match name.strip_prefix('.') {
        Some(_) => host.ends_with(name),
        None => {
            host == name
                || host
                    .strip_suffix(name)
                    .is_some_and(|rest| rest.ends_with('.'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(no_proxy: &str, url: &str) -> Option<String> {
        let proxies = Proxies::read(|name| match name {
            "HTTPS_PROXY" => Some("http://secure:1".to_owned()),
            "http_proxy" => Some("http://plain:2".to_owned()),
            "NO_PROXY" => Some(no_proxy.to_owned()),
            _ => None,
        });
        proxies.of(&Url::parse(url).unwrap()).map(str::to_owned)
    }

    #[test]
    fn each_scheme_has_its_own_and_loopback_none() {
        assert_eq!(
            proxy("", "https://a.test/").as_deref(),
            Some("http://secure:1")
        );
        assert_eq!(
            proxy("", "http://a.test/").as_deref(),
            Some("http://plain:2")
        );
        for url in [
            "http://localhost:5000/",
            "https://127.0.0.1/",
            "http://[::1]:5/",
        ] {
            assert_eq!(proxy("", url), None, "{url}");
        }
    }

    #[test]
    fn exceptions_are_names_addresses_networks_and_ports() {
        for (no_proxy, url) in [
            ("*", "https://a.test/"),
            ("x, A.test", "https://a.test/"),
            ("a.test", "https://b.a.test/"),
            (".a.test", "https://b.a.test/"),
            ("*.a.test", "https://b.a.test/"),
            ("a.test:443", "https://a.test/"),
            ("192.0.2.0/24", "https://192.0.2.9/"),
            ("192.0.2.9:443", "https://192.0.2.9/"),
            ("2001:db8::1", "https://[2001:db8::1]/"),
        ] {
            assert_eq!(proxy(no_proxy, url), None, "{no_proxy} {url}");
        }
        for (no_proxy, url) in [
            (".a.test", "https://a.test/"),
            ("a.test", "https://ba.test/"),
            ("a.test:80", "https://a.test/"),
            ("192.0.2.0/24", "https://192.0.3.9/"),
            ("192.0.2.0/99", "https://192.0.2.9/"),
        ] {
            assert!(proxy(no_proxy, url).is_some(), "{no_proxy} {url}");
        }
    }
}
