//! Names of registries to addresses, without the C library: its resolver loads shared objects,
//! which a static program cannot.
//!
//! As its defaults do: `/etc/hosts`, then the servers of `/etc/resolv.conf` (resolv.conf(5)) by UDP,
//! and by TCP where an answer does not fit.

mod hosts;
mod query;
mod resolv_conf;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::exchange::io_text;
use query::QueryError;
use resolv_conf::ResolvConf;

/// The most addresses of a host that are tried.
const MOST_ADDRESSES: usize = 16;
/// The longest that one name may take.
const LONGEST: Duration = Duration::from_secs(30);

/// Why a name has no address; reads like Go's resolver, which Docker shows.
#[derive(Debug, thiserror::Error)]
#[error("dial tcp: lookup {name}{}: {reason}", .server.map(|at| format!(" on {at}")).unwrap_or_default())]
pub(super) struct LookupError {
    name: String,
    server: Option<SocketAddr>,
    reason: String,
}

/// Resolves as the machine is configured; reads its files at each lookup.
#[derive(Debug)]
pub(super) struct SystemResolver {
    hosts: PathBuf,
    resolv_conf: PathBuf,
}

impl Default for SystemResolver {
    fn default() -> Self {
        SystemResolver {
            hosts: "/etc/hosts".into(),
            resolv_conf: "/etc/resolv.conf".into(),
        }
    }
}

impl SystemResolver {
    /// All addresses of `host`, the best first.
    pub(super) fn lookup(&self, host: &str) -> Result<Vec<IpAddr>, LookupError> {
        let bare = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host);
        if let Ok(address) = bare.parse() {
            return Ok(vec![address]);
        }
        let text = std::fs::read_to_string(&self.hosts).unwrap_or_default();
        let known = hosts::find(&text, host);
        if !known.is_empty() {
            return Ok(known);
        }
        if is_localhost(host) {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        let text = std::fs::read_to_string(&self.resolv_conf).unwrap_or_default();
        ask(&ResolvConf::parse(&text), host)
    }
}

/// RFC 6761, section 6.3.
pub(super) fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

fn ask(conf: &ResolvConf, host: &str) -> Result<Vec<IpAddr>, LookupError> {
    let end = Instant::now() + LONGEST;
    let mut error = LookupError {
        name: host.to_owned(),
        server: conf.servers.first().copied(),
        reason: "no such host".to_owned(),
    };
    for name in conf.candidates(host) {
        'attempts: for _ in 0..conf.attempts {
            for server in &conf.servers {
                let left = end.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(error);
                }
                match query::addresses(*server, &name, conf.timeout.min(left)) {
                    Ok(mut addresses) => {
                        if addresses.is_empty() {
                            error.reason = "no such host".to_owned();
                            error.server = Some(*server);
                            break 'attempts;
                        }
                        // Those that this machine has no route to go last, then IPv6 first.
                        addresses.sort_by_key(|address| (!has_route(*address), address.is_ipv4()));
                        addresses.truncate(MOST_ADDRESSES);
                        return Ok(addresses);
                    }
                    Err(failure) => {
                        error.reason = match &failure {
                            QueryError::Io(error) => io_text(error),
                            other => other.to_string(),
                        };
                        error.server = Some(*server);
                    }
                }
            }
        }
    }
    Err(error)
}

/// Whether the kernel would know where to send; connecting a datagram socket sends nothing.
fn has_route(address: IpAddr) -> bool {
    let any: SocketAddr = match address {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    UdpSocket::bind(any).is_ok_and(|socket| socket.connect((address, 443)).is_ok())
}

impl Resolver for SystemResolver {
    fn resolve(
        &self,
        uri: &Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let missing = || ureq::Error::BadUri(uri.to_string());
        let host = uri.host().ok_or_else(missing)?;
        let port = match (uri.port_u16(), uri.scheme_str()) {
            (Some(port), _) => port,
            (None, Some("http")) => 80,
            (None, Some("https")) => 443,
            _ => return Err(missing()),
        };
        let addresses = self
            .lookup(host)
            .map_err(|error| ureq::Error::Other(Box::new(error)))?;
        let mut result = self.empty();
        for address in addresses.into_iter().take(MOST_ADDRESSES) {
            result.push(SocketAddr::new(address, port));
        }
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_localhost_ask_nobody() {
        let nowhere = SystemResolver {
            hosts: "/nonexistent".into(),
            resolv_conf: "/nonexistent".into(),
        };
        let one = |host: &str| nowhere.lookup(host).map(|found| found[0].to_string());
        assert_eq!(one("192.0.2.7").unwrap(), "192.0.2.7");
        assert_eq!(one("[2001:db8::1]").unwrap(), "2001:db8::1");
        assert_eq!(one("localhost").unwrap(), "127.0.0.1");
        assert_eq!(one("Reg.localhost").unwrap(), "127.0.0.1");
    }

    #[test]
    fn the_hosts_file_goes_first() {
        let directory = tempfile::tempdir().unwrap();
        let hosts = directory.path().join("hosts");
        std::fs::write(&hosts, "192.0.2.1 reg.test\n").unwrap();
        let resolver = SystemResolver {
            hosts,
            resolv_conf: "/nonexistent".into(),
        };
        assert_eq!(
            resolver.lookup("reg.test").unwrap(),
            vec!["192.0.2.1".parse::<IpAddr>().unwrap()]
        );
    }
}
