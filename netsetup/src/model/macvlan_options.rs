//! The driver options of a macvlan network (`-o parent=…`, `-o macvlan_mode=…`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::network::{Driver, Network};
use super::network_options::{BridgeOptions, IFNAME_PREFIX, MTU, OptionError, is_interface_name};

/// The interface of the host that the containers' own are on.
pub const PARENT: &str = "parent";
/// Who of them reaches whom.
pub const MODE: &str = "macvlan_mode";

/// Beginning of keys that only mean something on a bridge.
const OF_BRIDGES: &str = "com.docker.network.bridge.";

/// Who reaches whom on one parent (`MACVLAN_MODE_*` of linux/if_link.h).
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MacvlanMode {
    /// Each other, without the parent's wire, and the wire.
    #[default]
    Bridge,
    /// The wire alone.
    Private,
    /// The wire, as the parent itself: there is one such interface on a parent.
    Passthru,
    /// The wire, and each other by way of a switch that sends frames back.
    Vepa,
}

/// Why an option was refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MacvlanOptionError {
    /// No mode that the driver has.
    #[error(
        "requested macvlan mode '{0}' is not valid, 'bridge' mode is the macvlan driver default"
    )]
    Mode(String),
    /// Frames of loopback go nowhere.
    #[error("loopback interface is not a valid macvlan parent link")]
    Loopback,
    /// An option of another driver.
    #[error("network option {0} is for bridge networks, not for macvlan")]
    OfBridges(String),
    /// MTU or name prefix.
    #[error(transparent)]
    Common(#[from] OptionError),
}

/// The options, read.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct MacvlanOptions {
    /// As given; without one the network is apart from every wire.
    pub parent: Option<String>,
    /// Who reaches whom.
    pub mode: MacvlanMode,
    /// Bytes; that of the parent where none was given.
    pub mtu: Option<u32>,
    /// `eth`.
    pub ifname_prefix: String,
}

impl MacvlanOptions {
    /// Reads and checks the options of a network to be made.
    ///
    /// # Errors
    /// See [`MacvlanOptionError`].
    pub fn read(options: &BTreeMap<String, String>) -> Result<MacvlanOptions, MacvlanOptionError> {
        if let Some(key) = options.keys().find(|key| key.starts_with(OF_BRIDGES)) {
            return Err(MacvlanOptionError::OfBridges(key.clone()));
        }
        let mode = match options.get(MODE).map_or("", String::as_str) {
            "" | "bridge" => MacvlanMode::Bridge,
            "private" => MacvlanMode::Private,
            "passthru" => MacvlanMode::Passthru,
            "vepa" => MacvlanMode::Vepa,
            other => return Err(MacvlanOptionError::Mode(other.to_owned())),
        };
        let parent = options.get(PARENT).filter(|name| !name.is_empty());
        if parent.is_some_and(|name| name == "lo") {
            return Err(MacvlanOptionError::Loopback);
        }
        let common = options
            .iter()
            .filter(|(key, _)| [MTU, IFNAME_PREFIX].contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let common = BridgeOptions::read(&common, false)?;
        Ok(MacvlanOptions {
            parent: parent.cloned(),
            mode,
            mtu: options.contains_key(MTU).then_some(common.mtu),
            ifname_prefix: common.ifname_prefix,
        })
    }
}

/// A VLAN sub-interface by its name: `eth0.50` is VLAN 50 of eth0 (IEEE 802.1Q).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Vlan {
    /// The interface that it is of.
    pub lower: String,
    /// 1 to 4094.
    pub id: u16,
}

/// The name of a parent that is missing does not say how to make it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum VlanError {
    /// No dot, so no VLAN.
    #[error("invalid subinterface vlan name {0}, example formatting is eth0.10")]
    Name(String),
    /// Several dots.
    #[error(
        "required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead \
         received {0}"
    )]
    Format(String),
    /// What follows the dot is no number.
    #[error("unable to parse a valid vlan id from: {0} (ex. eth0.10 for vlan 10)")]
    Id(String),
    /// A number that no VLAN has.
    #[error("vlan id must be between 1-4094, received: {0}")]
    Range(i64),
}

impl Vlan {
    /// What a parent's name says of it.
    ///
    /// # Errors
    /// See [`VlanError`].
    pub fn of_name(name: &str) -> Result<Vlan, VlanError> {
        let parts: Vec<&str> = name.split('.').collect();
        let (lower, id) = match parts[..] {
            [_] => return Err(VlanError::Name(name.to_owned())),
            [lower, id] => (lower, id),
            _ => return Err(VlanError::Format(name.to_owned())),
        };
        let number: i64 = id.parse().map_err(|_| VlanError::Id(id.to_owned()))?;
        match u16::try_from(number) {
            Ok(id) if (1..=4094).contains(&id) && is_interface_name(lower) => Ok(Vlan {
                lower: lower.to_owned(),
                id,
            }),
            Ok(1..=4094) => Err(VlanError::Name(name.to_owned())),
            _ => Err(VlanError::Range(number)),
        }
    }
}

impl Network {
    /// The options of a macvlan network. They were checked when it was made; should a record
    /// have been edited since, unreadable ones count as absent.
    pub fn macvlan_options(&self) -> MacvlanOptions {
        MacvlanOptions::read(&self.options).unwrap_or_default()
    }

    /// The interface that a macvlan network is on: the option, or `dm-` and the first twelve
    /// digits of the id. `None` on other networks.
    pub fn parent(&self) -> Option<String> {
        if self.driver != Driver::Macvlan {
            return None;
        }
        let given = self.options.get(PARENT).filter(|name| !name.is_empty());
        let own = || format!("dm-{}", self.id.get(..12).unwrap_or(&self.id));
        Some(given.cloned().unwrap_or_else(own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &[(&str, &str)]) -> Result<MacvlanOptions, String> {
        let options = options
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        MacvlanOptions::read(&options).map_err(|error| error.to_string())
    }

    #[test]
    fn the_mode_is_bridge_unless_another_is_given() {
        let options = read(&[("parent", "eth0")]).unwrap();
        assert_eq!(options.parent.as_deref(), Some("eth0"));
        assert_eq!((options.mode, options.mtu), (MacvlanMode::Bridge, None));
        assert_eq!(options.ifname_prefix, "eth");
        for (text, mode) in [
            ("private", MacvlanMode::Private),
            ("passthru", MacvlanMode::Passthru),
            ("vepa", MacvlanMode::Vepa),
        ] {
            assert_eq!(read(&[(MODE, text)]).unwrap().mode, mode);
        }
        assert_eq!(read(&[("parent", "")]).unwrap().parent, None);
        assert_eq!(read(&[(MTU, "1400")]).unwrap().mtu, Some(1400));
    }

    #[test]
    fn what_cannot_work_is_refused_in_dockers_words() {
        for (key, value, text) in [
            (
                MODE,
                "bogus",
                "requested macvlan mode 'bogus' is not valid, 'bridge' mode is the macvlan driver \
                 default",
            ),
            (
                PARENT,
                "lo",
                "loopback interface is not a valid macvlan parent link",
            ),
            (
                "com.docker.network.bridge.enable_icc",
                "false",
                "network option com.docker.network.bridge.enable_icc is for bridge networks, not \
                 for macvlan",
            ),
            (MTU, "1", "invalid MTU number: 1"),
        ] {
            assert_eq!(read(&[(key, value)]).unwrap_err(), text);
        }
    }

    #[test]
    fn a_name_with_a_dot_is_a_vlan() {
        let vlan = Vlan::of_name("eth0.50").unwrap();
        assert_eq!((vlan.lower.as_str(), vlan.id), ("eth0", 50));
        for (name, text) in [
            (
                "eth9",
                "invalid subinterface vlan name eth9, example formatting is eth0.10",
            ),
            (
                "a.b.1",
                "required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, \
                 instead received a.b.1",
            ),
            (
                "eth0.x",
                "unable to parse a valid vlan id from: x (ex. eth0.10 for vlan 10)",
            ),
            ("eth0.0", "vlan id must be between 1-4094, received: 0"),
            (
                "eth0.4095",
                "vlan id must be between 1-4094, received: 4095",
            ),
            (
                ".5",
                "invalid subinterface vlan name .5, example formatting is eth0.10",
            ),
        ] {
            assert_eq!(Vlan::of_name(name).unwrap_err().to_string(), text);
        }
    }
}
