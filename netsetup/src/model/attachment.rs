//! `--network` and the flags that go with it, for `run`, `create` and `network connect`.

mod long_form;

use std::collections::BTreeMap;

use super::endpoint::EndpointConfig;
use super::endpoint_rules::{SettingsError, bad_address, is_user_defined, wanted_ifname};
use super::mac::Mac;
use super::strconv::StrconvError;
use long_form::{Draft, driver_option, parse_draft};

/// The flags of one command line that say how a container joins networks, as typed.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct AttachmentFlags {
    /// `--network`, each short (`NAME`) or long (`name=NAME,alias=…`); none means the default bridge.
    pub networks: Vec<String>,
    /// `--network-alias`, for `connect` `--alias`.
    pub aliases: Vec<String>,
    /// `--ip`.
    pub ip: Option<String>,
    /// `--ip6`.
    pub ip6: Option<String>,
    /// `--mac-address`.
    pub mac_address: Option<String>,
    /// `--link-local-ip`.
    pub link_local_ips: Vec<String>,
    /// `--link`.
    pub links: Vec<String>,
    /// `--driver-opt`, of `connect` only.
    pub driver_opts: Vec<String>,
    /// `--gw-priority`, of `connect` only.
    pub gw_priority: i32,
}

/// Why a `--network` or one of its companions was refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AttachmentError {
    /// A part of the long form without `=`.
    #[error("invalid field {0}")]
    Field(String),
    /// A name that the long form does not know.
    #[error("invalid field key {0}")]
    Key(String),
    /// Not a number.
    #[error("invalid gw-priority: {0}")]
    Priority(StrconvError),
    /// `driver-opt` without `=`.
    #[error("invalid key value pair format in driver options")]
    DriverOption,
    /// The long form names no network.
    #[error("network name/id is not specified")]
    NoTarget,
    /// The name is blank.
    #[error("no name set for network")]
    NoName,
    /// The same setting by flag and in the long form.
    #[error("conflicting options: cannot specify both {flag} and per-network {field}")]
    Both {
        /// The flag.
        flag: &'static str,
        /// What it sets.
        field: &'static str,
    },
    /// One network twice.
    #[error("network {0:?} is specified multiple times")]
    Twice(String),
    /// `bridge`, `host`, `none` or somebody else's namespace beside others.
    #[error(
        "conflicting options: cannot attach both user-defined and non-user-defined network-modes"
    )]
    Mixed,
    /// One name for two interfaces.
    #[error("conflicting options: interface name {0:?} is given to more than one network")]
    SameInterface(String),
    /// Only user-defined networks have names.
    #[error("network-scoped aliases are only supported for user-defined networks")]
    Aliases,
    /// Not six octets, or a group address.
    #[error("{0} is not a valid mac address")]
    Mac(String),
    /// `--link` with nothing.
    #[error("empty string specified for links")]
    EmptyLink,
    /// More than target and alias.
    #[error("bad format for links: {0}")]
    Link(String),
    /// Docker has them, rbox does not.
    #[error("link-local addresses are not supported: {0}")]
    LinkLocal(String),
    /// Addresses that are none, in the words of `run`.
    #[error("invalid config for network {network}: {source}")]
    Settings {
        /// The network as typed.
        network: String,
        /// What is wrong.
        source: SettingsError,
    },
    /// Addresses that are none, in the words of `connect`.
    #[error(transparent)]
    Connection(SettingsError),
}

/// `target[:alias]` of `--link`.
pub fn parse_link(text: &str) -> Result<(String, String), AttachmentError> {
    let mut parts = text.split(':');
    match (parts.next(), parts.next(), parts.next()) {
        (None | Some(""), None, _) => Err(AttachmentError::EmptyLink),
        (Some(target), None, _) => Ok((target.to_owned(), target.to_owned())),
        (Some(target), Some(alias), None) if !target.is_empty() && !alias.is_empty() => {
            Ok((target.to_owned(), alias.to_owned()))
        }
        _ => Err(AttachmentError::Link(text.to_owned())),
    }
}

/// Adds the plain flags to the first network, the one that they have always meant.
fn apply_flags(draft: &mut Draft, flags: &AttachmentFlags) -> Result<(), AttachmentError> {
    let pick = |flag, field, given: &Option<String>, own: &mut Option<String>| {
        if given.is_some() && own.is_some() {
            return Err(AttachmentError::Both { flag, field });
        }
        if given.is_some() {
            own.clone_from(given);
        }
        Ok(())
    };
    if !flags.aliases.is_empty() {
        if !draft.aliases.is_empty() {
            return Err(AttachmentError::Both {
                flag: "--network-alias",
                field: "alias",
            });
        }
        draft.aliases.clone_from(&flags.aliases);
    }
    pick("--ip", "IPv4 address", &flags.ip, &mut draft.ip)?;
    pick("--ip6", "IPv6 address", &flags.ip6, &mut draft.ip6)?;
    pick(
        "--mac-address",
        "MAC address",
        &flags.mac_address,
        &mut draft.mac,
    )?;
    if let Some(address) = flags.link_local_ips.first() {
        draft.link_local = Some(address.clone());
    }
    if is_user_defined(&draft.target) {
        draft.links = flags
            .links
            .iter()
            .map(|l| parse_link(l))
            .collect::<Result<_, _>>()?;
    }
    Ok(())
}

/// The MAC address of `--mac-address`; group addresses belong to no interface.
pub fn parse_mac(text: &str) -> Result<Mac, AttachmentError> {
    match text.parse::<Mac>() {
        Ok(mac) if mac.0[0] & 1 == 0 && mac.0 != [0; 6] => Ok(mac),
        _ => Err(AttachmentError::Mac(text.to_owned())),
    }
}

fn finish(draft: Draft) -> Result<EndpointConfig, Result<AttachmentError, SettingsError>> {
    if let Some(address) = draft.link_local {
        return Err(Ok(AttachmentError::LinkLocal(address)));
    }
    let mac = draft
        .mac
        .map(|text| parse_mac(&text))
        .transpose()
        .map_err(Ok)?;
    let target = &draft.target;
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let (ip, ip6) = (given(&draft.ip), given(&draft.ip6));
    let bad = bad_address(target, ip.as_deref(), ip6.as_deref());
    let (ip, ip6) = match bad {
        Some(problems) => return Err(Err(problems)),
        None => (
            ip.and_then(|text| text.parse().ok()),
            ip6.and_then(|text| text.parse().ok()),
        ),
    };
    Ok(EndpointConfig {
        network: draft.target,
        aliases: draft.aliases,
        ip,
        ip6,
        mac,
        links: draft.links,
        gw_priority: draft.gw_priority,
        driver_opts: draft.driver_opts,
        connected: false,
    })
}

/// What `run` and `create` ask for, in the order of the flags. Without `--network` it is the
/// default bridge; the modes `host`, `none` and `container:ID` come back as names too.
pub fn attachments(flags: &AttachmentFlags) -> Result<Vec<EndpointConfig>, AttachmentError> {
    let default = ["bridge".to_owned()];
    let values: &[String] = if flags.networks.is_empty() {
        &default
    } else {
        &flags.networks
    };
    let mut configs: Vec<EndpointConfig> = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let mut draft = parse_draft(value)?;
        if draft.target == "default" {
            "bridge".clone_into(&mut draft.target);
        }
        if index == 0 {
            apply_flags(&mut draft, flags)?;
        }
        if draft.target.trim().is_empty() {
            return Err(AttachmentError::NoName);
        }
        if !is_user_defined(&draft.target) && !draft.aliases.is_empty() {
            return Err(AttachmentError::Aliases);
        }
        if configs.iter().any(|config| config.network == draft.target) {
            return Err(AttachmentError::Twice(draft.target));
        }
        let network = draft.target.clone();
        let config = finish(draft).map_err(|error| match error {
            Ok(error) => error,
            Err(source) => AttachmentError::Settings { network, source },
        })?;
        if let Some(name) = wanted_ifname(&config)
            && configs
                .iter()
                .any(|other| wanted_ifname(other) == Some(name))
        {
            return Err(AttachmentError::SameInterface(name.to_owned()));
        }
        configs.push(config);
    }
    let user_defined = configs
        .iter()
        .filter(|config| is_user_defined(&config.network))
        .count();
    if configs.len() > 1 && user_defined != configs.len() {
        return Err(AttachmentError::Mixed);
    }
    Ok(configs)
}

/// What `network connect` asks for.
pub fn connection(
    network: &str,
    flags: &AttachmentFlags,
) -> Result<EndpointConfig, AttachmentError> {
    let mut driver_opts = BTreeMap::new();
    for text in &flags.driver_opts {
        driver_opts.extend([driver_option(text)?]);
    }
    let draft = Draft {
        target: network.to_owned(),
        aliases: flags.aliases.clone(),
        ip: flags.ip.clone(),
        ip6: flags.ip6.clone(),
        mac: flags.mac_address.clone(),
        link_local: flags.link_local_ips.first().cloned(),
        links: flags
            .links
            .iter()
            .map(|l| parse_link(l))
            .collect::<Result<_, _>>()?,
        driver_opts,
        gw_priority: flags.gw_priority,
    };
    let config = finish(draft).map_err(|error| match error {
        Ok(error) => error,
        Err(source) => AttachmentError::Connection(source),
    })?;
    Ok(EndpointConfig {
        connected: true,
        ..config
    })
}

#[cfg(test)]
mod tests;
