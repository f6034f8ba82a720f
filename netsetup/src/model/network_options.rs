//! The driver options of a bridge network (`-o key=value`) that mean something here.
//! Other keys are kept and echoed, as Docker does.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::network::Network;
use super::strconv::{StrconvError, parse_bool, parse_integer};

/// Name of the bridge interface.
pub const BRIDGE_NAME: &str = "com.docker.network.bridge.name";
/// Marks the default bridge.
pub const DEFAULT_BRIDGE: &str = "com.docker.network.bridge.default_bridge";
/// Whether containers of the network reach each other.
pub const ENABLE_ICC: &str = "com.docker.network.bridge.enable_icc";
/// Whether traffic that leaves is masqueraded.
pub const ENABLE_MASQUERADE: &str = "com.docker.network.bridge.enable_ip_masquerade";
/// Host address of published ports that name none, of either family in spite of its name.
pub const HOST_BINDING: &str = "com.docker.network.bridge.host_binding_ipv4";
/// MTU of bridge and endpoints, bytes.
pub const MTU: &str = "com.docker.network.driver.mtu";
/// First part of interface names inside, `eth` otherwise.
pub const IFNAME_PREFIX: &str = "com.docker.network.container_iface_prefix";
/// How the gateway treats IPv4.
pub const GATEWAY_MODE_4: &str = "com.docker.network.bridge.gateway_mode_ipv4";
/// How the gateway treats IPv6.
pub const GATEWAY_MODE_6: &str = "com.docker.network.bridge.gateway_mode_ipv6";

/// Interfaces from which published ports are reachable at the containers' own addresses, too,
/// separated by colons.
pub const TRUSTED_INTERFACES: &str = "com.docker.network.bridge.trusted_host_interfaces";
/// Source address of what leaves over IPv4, instead of that of the interface it leaves by.
pub const HOST_IPV4: &str = "com.docker.network.host_ipv4";
/// The same for IPv6.
pub const HOST_IPV6: &str = "com.docker.network.host_ipv6";
/// The bridge gets no IPv4 address: the gateway is somebody else's.
pub const INHIBIT_IPV4: &str = "com.docker.network.bridge.inhibit_ipv4";

/// MTU where neither an option nor the host's way out says otherwise, bytes.
pub const DEFAULT_MTU: u32 = 1500;

/// What stands between a network's containers and the outside, for one address family.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GatewayMode {
    /// Ports are published at host addresses; what leaves has the host's address.
    #[default]
    Nat,
    /// The same, and every port is reachable at the container's own address.
    NatUnprotected,
    /// No translation: published ports are reachable at the container's own address, and what
    /// leaves keeps it.
    Routed,
    /// The host has no address on the bridge.
    Isolated,
}

impl GatewayMode {
    /// Addresses are translated between the network and the outside.
    pub fn translates(self) -> bool {
        matches!(self, GatewayMode::Nat | GatewayMode::NatUnprotected)
    }
}

/// Why an option was refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OptionError {
    /// The value is not of the option's kind.
    #[error("failed to parse {key} value: {value} ({reason})")]
    Value {
        /// The option.
        key: &'static str,
        /// Its value as given.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Outside what a bridge takes.
    #[error("invalid MTU number: {0}")]
    Mtu(i64),
    /// `isolated` without `--internal`.
    #[error("gateway mode 'isolated' can only be used for an internal network")]
    IsolatedNotInternal,
    /// No name for an interface.
    #[error("invalid bridge interface name {0:?}")]
    BridgeName(String),
    /// Longer than the kernel's 15 bytes; the text is the kernel's.
    #[error("bridge interface name {0}: numerical result out of range")]
    BridgeNameLength(String),
    /// No name for an interface.
    #[error("invalid interface name {0:?}")]
    Interface(String),
    /// Not usable at the start of an interface name.
    #[error("invalid interface name prefix {0:?}")]
    IfnamePrefix(String),
}

/// The options, read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BridgeOptions {
    /// Interface name if one was asked for.
    pub name: Option<String>,
    /// Containers on it reach each other.
    pub icc: bool,
    /// Traffic that leaves is masqueraded.
    pub masquerade: bool,
    /// Host address of published ports that name none; `None` is every address.
    pub host_binding: Option<IpAddr>,
    /// Bytes.
    pub mtu: u32,
    /// `eth`.
    pub ifname_prefix: String,
    /// How the gateway treats IPv4.
    pub gateway4: GatewayMode,
    /// How the gateway treats IPv6.
    pub gateway6: GatewayMode,
    /// Interfaces that reach published ports at the containers' own addresses.
    pub trusted: Vec<String>,
    /// Source addresses of what leaves, at most one a family.
    pub host_addresses: Vec<IpAddr>,
    /// The host has no IPv4 address on the bridge, whatever the mode.
    pub inhibit_ipv4: bool,
}

impl Default for BridgeOptions {
    fn default() -> Self {
        BridgeOptions {
            name: None,
            icc: true,
            masquerade: true,
            host_binding: None,
            mtu: DEFAULT_MTU,
            ifname_prefix: "eth".to_owned(),
            gateway4: GatewayMode::Nat,
            gateway6: GatewayMode::Nat,
            trusted: Vec::new(),
            host_addresses: Vec::new(),
            inhibit_ipv4: false,
        }
    }
}

/// Whether the kernel takes `name` as an interface name (1 to 15 bytes, no slash, colon, blank).
pub fn is_interface_name(name: &str) -> bool {
    (1..=15).contains(&name.len())
        && name != "."
        && name != ".."
        && !name
            .bytes()
            .any(|byte| byte == b'/' || byte == b':' || byte <= b' ' || byte == 0x7f)
}

fn value_error(key: &'static str, value: &str, reason: &StrconvError) -> OptionError {
    OptionError::Value {
        key,
        value: value.to_owned(),
        reason: reason.to_string(),
    }
}

fn switch(
    options: &BTreeMap<String, String>,
    key: &'static str,
    default: bool,
) -> Result<bool, OptionError> {
    options.get(key).map_or(Ok(default), |value| {
        parse_bool(value).map_err(|reason| value_error(key, value, &reason))
    })
}

/// `None` where it is left open.
fn mtu(options: &BTreeMap<String, String>) -> Result<Option<u32>, OptionError> {
    let Some(value) = options.get(MTU) else {
        return Ok(None);
    };
    match parse_integer(value).map_err(|reason| value_error(MTU, value, &reason))? {
        0 => Ok(None),
        number => u32::try_from(number)
            .ok()
            .filter(|mtu| (68..=65535).contains(mtu))
            .ok_or(OptionError::Mtu(number))
            .map(Some),
    }
}

fn gateway_mode(
    options: &BTreeMap<String, String>,
    key: &'static str,
    internal: bool,
) -> Result<GatewayMode, OptionError> {
    match options.get(key).map_or("", String::as_str) {
        "" | "nat" => Ok(GatewayMode::Nat),
        "nat-unprotected" => Ok(GatewayMode::NatUnprotected),
        "routed" => Ok(GatewayMode::Routed),
        "isolated" if internal => Ok(GatewayMode::Isolated),
        "isolated" => Err(OptionError::IsolatedNotInternal),
        other => Err(OptionError::Value {
            key,
            value: other.to_owned(),
            reason: format!("unknown gateway mode {other}"),
        }),
    }
}

impl BridgeOptions {
    /// Reads and checks the options of a network to be made.
    pub fn read(
        options: &BTreeMap<String, String>,
        internal: bool,
    ) -> Result<BridgeOptions, OptionError> {
        switch(options, DEFAULT_BRIDGE, false)?;
        let host_binding = match options.get(HOST_BINDING) {
            None => None,
            Some(value) => Some(value.parse::<IpAddr>().map_err(|_| OptionError::Value {
                key: HOST_BINDING,
                value: value.clone(),
                reason: "nil ip".to_owned(),
            })?),
        };
        let name = options
            .get(BRIDGE_NAME)
            .filter(|name| !name.is_empty())
            .cloned();
        if let Some(name) = name.as_ref().filter(|name| !is_interface_name(name)) {
            return Err(match name.len() {
                16.. => OptionError::BridgeNameLength(name.clone()),
                _ => OptionError::BridgeName(name.clone()),
            });
        }
        let ifname_prefix = options
            .get(IFNAME_PREFIX)
            .filter(|prefix| !prefix.is_empty())
            .cloned();
        // Room for the number: at most 12 of the 15 bytes.
        let long = |prefix: &&String| prefix.len() > 12 || !is_interface_name(prefix);
        if let Some(prefix) = ifname_prefix.as_ref().filter(long) {
            return Err(OptionError::IfnamePrefix(prefix.clone()));
        }
        Ok(BridgeOptions {
            name,
            icc: switch(options, ENABLE_ICC, true)?,
            masquerade: switch(options, ENABLE_MASQUERADE, true)?,
            // `::` is IPv6 alone, `0.0.0.0` is every address of both families.
            host_binding: host_binding.filter(|address| *address != Ipv4Addr::UNSPECIFIED),
            mtu: mtu(options)?.unwrap_or(DEFAULT_MTU),
            ifname_prefix: ifname_prefix.unwrap_or_else(|| "eth".to_owned()),
            gateway4: gateway_mode(options, GATEWAY_MODE_4, internal)?,
            gateway6: gateway_mode(options, GATEWAY_MODE_6, internal)?,
            trusted: trusted(options)?,
            host_addresses: host_addresses(options)?,
            inhibit_ipv4: switch(options, INHIBIT_IPV4, false)?,
        })
    }

    /// How the gateway treats the family of `address`.
    pub fn gateway(&self, address: IpAddr) -> GatewayMode {
        match address {
            IpAddr::V4(_) => self.gateway4,
            IpAddr::V6(_) => self.gateway6,
        }
    }
}

fn trusted(options: &BTreeMap<String, String>) -> Result<Vec<String>, OptionError> {
    let given = options.get(TRUSTED_INTERFACES).map_or("", String::as_str);
    let names = given.split(':').filter(|name| !name.is_empty());
    names
        .map(|name| match is_interface_name(name) {
            true => Ok(name.to_owned()),
            false => Err(OptionError::Interface(name.to_owned())),
        })
        .collect()
}

fn host_addresses(options: &BTreeMap<String, String>) -> Result<Vec<IpAddr>, OptionError> {
    let mut addresses = Vec::new();
    for (key, ipv4) in [(HOST_IPV4, true), (HOST_IPV6, false)] {
        let Some(value) = options.get(key) else {
            continue;
        };
        let address = value
            .parse()
            .ok()
            .filter(|ip: &IpAddr| ip.is_ipv4() == ipv4);
        addresses.push(address.ok_or_else(|| OptionError::Value {
            key,
            value: value.clone(),
            reason: "nil ip".to_owned(),
        })?);
    }
    Ok(addresses)
}

/// The options of the default bridge, whose interface is called `name`.
pub fn of_default_bridge(name: &str, mtu: u32) -> BTreeMap<String, String> {
    let mtu = mtu.to_string();
    [
        (DEFAULT_BRIDGE, "true"),
        (ENABLE_ICC, "true"),
        (ENABLE_MASQUERADE, "true"),
        (HOST_BINDING, "0.0.0.0"),
        (BRIDGE_NAME, name),
        (MTU, &mtu),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect()
}

impl Network {
    /// The driver options. They were checked when the network was made; should a record have
    /// been edited since, unreadable ones count as absent.
    pub fn bridge_options(&self) -> BridgeOptions {
        let mut options = BridgeOptions::read(&self.options, self.internal).unwrap_or_default();
        if let (Ok(None), Some(kept)) = (mtu(&self.options), self.mtu) {
            options.mtu = kept;
        }
        options
    }

    /// Interface of the bridge: the option, or `br-` and the first twelve digits of the id.
    pub fn bridge_name(&self) -> String {
        match self.options.get(BRIDGE_NAME) {
            Some(name) if !name.is_empty() => name.clone(),
            _ => format!("br-{}", self.id.get(..12).unwrap_or(&self.id)),
        }
    }

    /// One of the three networks that are always there.
    pub fn is_predefined(&self) -> bool {
        matches!(self.name.as_str(), "bridge" | "host" | "none")
    }

    /// The network of containers that name none. It has no resolver and no aliases.
    pub fn is_default_bridge(&self) -> bool {
        self.name == "bridge"
    }
}

#[cfg(test)]
mod tests;
