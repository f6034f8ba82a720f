//! The driver options of a bridge network (`-o key=value`) that mean something here.
//! Other keys are kept and echoed, as Docker does.

use std::collections::BTreeMap;
use std::net::IpAddr;

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
/// Host address of published ports that name none.
pub const HOST_BINDING: &str = "com.docker.network.bridge.host_binding_ipv4";
/// MTU of bridge and endpoints, bytes.
pub const MTU: &str = "com.docker.network.driver.mtu";
/// First part of interface names inside, `eth` otherwise.
pub const IFNAME_PREFIX: &str = "com.docker.network.container_iface_prefix";
/// How the gateway treats IPv4.
pub const GATEWAY_MODE_4: &str = "com.docker.network.bridge.gateway_mode_ipv4";
/// How the gateway treats IPv6.
pub const GATEWAY_MODE_6: &str = "com.docker.network.bridge.gateway_mode_ipv6";

/// MTU where no option says otherwise, bytes.
pub const DEFAULT_MTU: u32 = 1500;

/// Options that change what packets do; ignoring one of them would be a silent lie.
const UNSUPPORTED: [&str; 4] = [
    "com.docker.network.bridge.inhibit_ipv4",
    "com.docker.network.bridge.trusted_host_interfaces",
    "com.docker.network.host_ipv4",
    "com.docker.network.host_ipv6",
];

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
    /// A mode that Docker has and rbox does not.
    #[error("gateway mode '{0}' is not supported")]
    GatewayMode(String),
    /// An option that Docker has and rbox does not.
    #[error("network option {0} is not supported")]
    Unsupported(&'static str),
    /// No name for an interface.
    #[error("invalid bridge interface name {0:?}")]
    BridgeName(String),
    /// Longer than the kernel's 15 bytes; the text is the kernel's.
    #[error("bridge interface name {0}: numerical result out of range")]
    BridgeNameLength(String),
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
    /// The host has no IPv4 address on the bridge.
    pub isolated_ipv4: bool,
    /// The host has no IPv6 address on the bridge.
    pub isolated_ipv6: bool,
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
            isolated_ipv4: false,
            isolated_ipv6: false,
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

fn mtu(options: &BTreeMap<String, String>) -> Result<u32, OptionError> {
    let Some(value) = options.get(MTU) else {
        return Ok(DEFAULT_MTU);
    };
    match parse_integer(value).map_err(|reason| value_error(MTU, value, &reason))? {
        0 => Ok(DEFAULT_MTU),
        number => u32::try_from(number)
            .ok()
            .filter(|mtu| (68..=65535).contains(mtu))
            .ok_or(OptionError::Mtu(number)),
    }
}

fn isolated(
    options: &BTreeMap<String, String>,
    key: &'static str,
    internal: bool,
) -> Result<bool, OptionError> {
    match options.get(key).map_or("", String::as_str) {
        "" | "nat" => Ok(false),
        "isolated" if internal => Ok(true),
        "isolated" => Err(OptionError::IsolatedNotInternal),
        mode @ ("routed" | "nat-unprotected") => Err(OptionError::GatewayMode(mode.to_owned())),
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
        if let Some(key) = UNSUPPORTED
            .into_iter()
            .find(|key| options.contains_key(*key))
        {
            return Err(OptionError::Unsupported(key));
        }
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
            host_binding: host_binding.filter(|address| !address.is_unspecified()),
            mtu: mtu(options)?,
            ifname_prefix: ifname_prefix.unwrap_or_else(|| "eth".to_owned()),
            isolated_ipv4: isolated(options, GATEWAY_MODE_4, internal)?,
            isolated_ipv6: isolated(options, GATEWAY_MODE_6, internal)?,
        })
    }
}

/// The options of the default bridge, whose interface is called `name`.
pub fn of_default_bridge(name: &str) -> BTreeMap<String, String> {
    [
        (DEFAULT_BRIDGE, "true"),
        (ENABLE_ICC, "true"),
        (ENABLE_MASQUERADE, "true"),
        (HOST_BINDING, "0.0.0.0"),
        (BRIDGE_NAME, name),
        (MTU, "1500"),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect()
}

impl Network {
    /// The driver options. They were checked when the network was made; should a record have
    /// been edited since, unreadable ones count as absent.
    pub fn bridge_options(&self) -> BridgeOptions {
        BridgeOptions::read(&self.options, self.internal).unwrap_or_default()
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
