//! `/etc/resolv.conf`, resolv.conf(5).

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

const MOST_SERVERS: usize = 3;
const PORT: u16 = 53;

/// Whom to ask, and for which names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ResolvConf {
    pub(super) servers: Vec<SocketAddr>,
    search: Vec<String>,
    ndots: usize,
    pub(super) timeout: Duration,
    pub(super) attempts: u32,
}

impl ResolvConf {
    /// Lines that are not understood do nothing, as in the C library.
    pub(super) fn parse(text: &str) -> ResolvConf {
        let mut conf = ResolvConf {
            servers: Vec::new(),
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
        };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") if conf.servers.len() < MOST_SERVERS => {
                    conf.servers.extend(words.next().and_then(server));
                }
                Some("domain" | "search") => {
                    conf.search = words
                        .map(|domain| domain.trim_end_matches('.').to_owned())
                        .filter(|domain| !domain.is_empty())
                        .collect();
                }
                Some("options") => words.for_each(|option| conf.option(option)),
                _ => {}
            }
        }
        if conf.servers.is_empty() {
            conf.servers.push((Ipv4Addr::LOCALHOST, PORT).into());
        }
        conf
    }

    fn option(&mut self, option: &str) {
        let Some((name, value)) = option.split_once(':') else {
            return;
        };
        let Ok(value) = value.parse::<u32>() else {
            return;
        };
        match name {
            "ndots" => self.ndots = value.min(15) as usize,
            "timeout" => self.timeout = Duration::from_secs(u64::from(value.clamp(1, 30))),
            "attempts" => self.attempts = value.clamp(1, 5),
            _ => {}
        }
    }

    /// The names to ask for, in their order.
    pub(super) fn candidates(&self, host: &str) -> Vec<String> {
        if let Some(absolute) = host.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let searched = self.search.iter().map(|domain| format!("{host}.{domain}"));
        let itself = std::iter::once(host.to_owned());
        if host.matches('.').count() >= self.ndots {
            itself.chain(searched).collect()
        } else {
            searched.chain(itself).collect()
        }
    }
}

/// An address, with the interface of a link-local one after `%`.
fn server(text: &str) -> Option<SocketAddr> {
    let Some((address, zone)) = text.split_once('%') else {
        return Some(SocketAddr::new(text.parse::<IpAddr>().ok()?, PORT));
    };
    let index = match zone.parse() {
        Ok(index) => index,
        Err(_) if zone.contains('/') => return None,
        Err(_) => std::fs::read_to_string(format!("/sys/class/net/{zone}/ifindex"))
            .ok()?
            .trim()
            .parse()
            .ok()?,
    };
    Some(SocketAddrV6::new(address.parse().ok()?, PORT, 0, index).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_search_and_options_are_read_with_bounds() {
        let conf = ResolvConf::parse(
            "# x\nnameserver 192.0.2.1\nnameserver bad\nnameserver fe80::1%7\nnameserver ::2\n\
             nameserver 192.0.2.4\ndomain a.test\nsearch b.test. c.test\n\
             options ndots:2 timeout:90 attempts:0 rotate\n",
        );
        let servers: Vec<String> = conf.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["192.0.2.1:53", "[fe80::1%7]:53", "[::2]:53"]);
        assert_eq!(conf.timeout, Duration::from_secs(30));
        assert_eq!(conf.attempts, 1);
        assert_eq!(conf.candidates("reg"), ["reg.b.test", "reg.c.test", "reg"]);
        assert_eq!(
            conf.candidates("a.b.c"),
            ["a.b.c", "a.b.c.b.test", "a.b.c.c.test"]
        );
        assert_eq!(conf.candidates("reg."), ["reg"]);
    }

    #[test]
    fn without_servers_the_machine_itself_is_asked() {
        let servers = ResolvConf::parse("").servers;
        assert_eq!(servers, ["127.0.0.1:53".parse().unwrap()]);
    }
}
