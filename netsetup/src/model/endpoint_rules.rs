//! Which settings an attachment to a given network may have.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::endpoint::EndpointConfig;
use super::endpoint_sysctl::{self, SYSCTLS_OPTION};
use super::network::Network;
use super::network_options::is_interface_name;

/// `driver-opt` that names the interface inside.
pub const IFNAME_OPTION: &str = "com.docker.network.endpoint.ifname";

/// Options under this are about one attachment; of those that rbox does not know none is
/// ignored.
const OPTION_PREFIX: &str = "com.docker.network.endpoint.";

const USER_DEFINED_ONLY: &str =
    "user specified IP address is supported on user defined networks only";
const CONFIGURED_SUBNETS_ONLY: &str = "user specified IP address is supported only when \
                                       connecting to networks with user configured subnets";

/// All that is wrong with an attachment's settings, in Docker's words: one problem stands
/// alone, several are a list with bullets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SettingsError(pub Vec<String>);

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid endpoint settings:{}", Problems(&self.0))
    }
}

impl std::error::Error for SettingsError {}

/// Problems, each on a line of its own; with bullets when there are several.
pub(super) struct Problems<'a>(pub(super) &'a [String]);

impl fmt::Display for Problems<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bullet = if self.0.len() > 1 { "* " } else { "" };
        self.0
            .iter()
            .try_for_each(|problem| write!(f, "\n{bullet}{problem}"))
    }
}

/// Whether a `--network` value names a network that a user made.
pub fn is_user_defined(target: &str) -> bool {
    !matches!(target, "bridge" | "host" | "none" | "default" | "")
        && !target.starts_with("container:")
        && target != "container"
        && !target.starts_with("ns:")
}

/// The complaint about addresses that are none, before any network is looked up.
pub(super) fn bad_address(
    target: &str,
    ip: Option<&str>,
    ip6: Option<&str>,
) -> Option<SettingsError> {
    let bad_ip = ip.filter(|text| text.parse::<Ipv4Addr>().is_err());
    let bad_ip6 = ip6.filter(|text| text.parse::<Ipv6Addr>().is_err());
    let mut problems = Vec::new();
    if !is_user_defined(target) {
        problems.push(USER_DEFINED_ONLY.to_owned());
    }
    problems.extend(bad_ip.map(|text| format!("invalid IPv4 address: {text}")));
    problems.extend(bad_ip6.map(|text| format!("invalid IPv6 address: {text}")));
    problems.extend(bad_ip.into_iter().chain(bad_ip6).map(not_contained));
    (bad_ip.is_some() || bad_ip6.is_some()).then_some(SettingsError(problems))
}

fn not_contained(address: impl fmt::Display) -> String {
    format!("no configured subnet or ip-range contain the IP address {address}")
}

fn address_problem(network: &Network, address: IpAddr) -> Option<String> {
    let mut configured = network
        .pools
        .iter()
        .filter(|pool| !pool.automatic && pool.subnet.addr().is_ipv4() == address.is_ipv4())
        .peekable();
    if configured.peek().is_none() {
        return Some(CONFIGURED_SUBNETS_ONLY.to_owned());
    }
    let contained = configured.any(|pool| pool.subnet.contains(&address));
    (!contained).then(|| not_contained(address))
}

/// Checks an attachment against the network it is for.
pub fn check_endpoint(network: &Network, config: &EndpointConfig) -> Result<(), SettingsError> {
    let mut problems = Vec::new();
    let addresses: Vec<IpAddr> = config
        .ip
        .map(IpAddr::V4)
        .into_iter()
        .chain(config.ip6.map(IpAddr::V6))
        .collect();
    if network.is_predefined() {
        if !addresses.is_empty() {
            problems.push(USER_DEFINED_ONLY.to_owned());
        }
        if !config.aliases.is_empty() {
            problems.push(
                "network-scoped alias is supported only for containers in user defined networks"
                    .to_owned(),
            );
        }
    }
    for address in addresses {
        problems.extend(address_problem(network, address));
    }
    if let Some(name) = wanted_ifname(config).filter(|name| !is_name_inside(name)) {
        problems.push(format!("invalid interface name {name:?}"));
    }
    let sysctls = endpoint_sysctl::read_all(config);
    problems.extend(
        sysctls
            .into_iter()
            .filter_map(|read| Some(read.err()?.to_string())),
    );
    if !network.ipv4 && endpoint_sysctl::disables_ipv6(config) {
        problems.push("IPv6 cannot be disabled on a network without IPv4".to_owned());
    }
    let unknown = |key: &&String| {
        key.starts_with(OPTION_PREFIX) && ![IFNAME_OPTION, SYSCTLS_OPTION].contains(&key.as_str())
    };
    let options = config.driver_opts.keys().filter(unknown);
    problems.extend(options.map(|key| format!("endpoint option {key} is not supported")));
    if problems.is_empty() {
        Ok(())
    } else {
        Err(SettingsError(problems))
    }
}

/// The interface name that the user wants inside, if any.
pub fn wanted_ifname(config: &EndpointConfig) -> Option<&str> {
    let option = config.driver_opts.get(IFNAME_OPTION).map(String::as_str);
    option.filter(|name| !name.is_empty())
}

/// Whether an interface of a sandbox may have the name: not that of loopback, nor one that means
/// every interface in /proc/sys, nor one in which the kernel puts a number for `%d`.
fn is_name_inside(name: &str) -> bool {
    is_interface_name(name) && !matches!(name, "lo" | "all" | "default") && !name.contains('%')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::network::tests::{automatic, network};

    fn with_ip(ip: &str) -> EndpointConfig {
        EndpointConfig {
            ip: Some(ip.parse().unwrap()),
            ..EndpointConfig::default()
        }
    }

    fn problem(network: &Network, config: &EndpointConfig) -> String {
        check_endpoint(network, config).map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn a_fixed_address_needs_a_subnet_that_the_user_chose() {
        let own = network("h4n1", &["10.220.0.0/24"]);
        assert_eq!(problem(&own, &with_ip("10.220.0.5")), "");
        assert_eq!(
            problem(&own, &with_ip("10.9.0.1")),
            "invalid endpoint settings:\nno configured subnet or ip-range contain the IP address \
             10.9.0.1"
        );
        let six = EndpointConfig {
            ip6: Some("fd00:bb::1".parse().unwrap()),
            ..EndpointConfig::default()
        };
        assert_eq!(
            problem(&network("h4six", &["10.232.0.0/24", "fd00:aa::/64"]), &six),
            "invalid endpoint settings:\nno configured subnet or ip-range contain the IP address \
             fd00:bb::1"
        );
        assert_eq!(
            problem(&automatic("h4y", "172.19.0.0/16"), &with_ip("172.19.0.9")),
            "invalid endpoint settings:\nuser specified IP address is supported only when \
             connecting to networks with user configured subnets"
        );
    }

    #[test]
    fn the_default_bridge_takes_neither_addresses_nor_aliases() {
        let bridge = automatic("bridge", "172.17.0.0/16");
        assert_eq!(
            problem(&bridge, &with_ip("172.17.0.50")),
            "invalid endpoint settings:\n* user specified IP address is supported on user defined \
             networks only\n* user specified IP address is supported only when connecting to \
             networks with user configured subnets"
        );
        let alias = EndpointConfig {
            aliases: vec!["foo".to_owned()],
            ..EndpointConfig::default()
        };
        assert_eq!(
            problem(&bridge, &alias),
            "invalid endpoint settings:\nnetwork-scoped alias is supported only for containers in \
             user defined networks"
        );
    }

    #[test]
    fn options_of_the_attachment_are_known_or_refused() {
        let with = |key: &str, value: &str| EndpointConfig {
            driver_opts: [(key.to_owned(), value.to_owned())].into(),
            ..EndpointConfig::default()
        };
        let own = network("n", &["10.0.0.0/24", "fd00::/64"]);
        let off = with(SYSCTLS_OPTION, "net.ipv6.conf.IFNAME.disable_ipv6=1");
        assert_eq!(problem(&own, &off), "");
        assert_eq!(
            problem(&network("n", &["fd00::/64"]), &off),
            "invalid endpoint settings:\nIPv6 cannot be disabled on a network without IPv4"
        );
        assert_eq!(problem(&own, &with("foreign.option", "x")), "");
        assert_eq!(
            problem(&own, &with("com.docker.network.endpoint.exposedports", "x")),
            "invalid endpoint settings:\nendpoint option \
             com.docker.network.endpoint.exposedports is not supported"
        );
        let two = with(
            SYSCTLS_OPTION,
            "net.ipv4.conf.eth0.x=1,net.ipv4.conf.IFNAME.x",
        );
        let said = problem(&own, &two);
        assert!(
            said.contains("\n* unrecognised network interface sysctl 'net.ipv4.conf.eth0.x=1'; ")
                && said.ends_with(
                    "\n* expected sysctl 'net.ipv4.conf.IFNAME.x' to have format name=value"
                ),
            "{said}"
        );
    }

    #[test]
    fn interface_names_are_checked_before_the_kernel_does() {
        let named = |name: &str| EndpointConfig {
            driver_opts: [(IFNAME_OPTION.to_owned(), name.to_owned())].into(),
            ..EndpointConfig::default()
        };
        let own = network("n", &["10.0.0.0/24"]);
        assert_eq!(problem(&own, &named("lan0")), "");
        for name in ["a/b", "lo", "all", "default", "eth%d", "sixteen-bytes-no"] {
            assert_eq!(
                problem(&own, &named(name)),
                format!("invalid endpoint settings:\ninvalid interface name {name:?}")
            );
        }
        assert_eq!(wanted_ifname(&named("lan0")), Some("lan0"));
        assert_eq!(wanted_ifname(&EndpointConfig::default()), None);
    }
}
