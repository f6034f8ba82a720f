//! `--network` and the flags that go with it, for `run`, `create` and `network connect`.

use std::collections::BTreeMap;

use super::endpoint::EndpointConfig;
use super::endpoint_rules::{SettingsError, bad_address, is_user_defined};
use super::mac::Mac;
use super::strconv::{StrconvError, parse_integer};

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
    /// `bridge`, `host` or `none` beside others.
    #[error(
        "conflicting options: cannot attach both user-defined and non-user-defined network-modes"
    )]
    Mixed,
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

/// One `--network` before its addresses are read.
#[derive(Clone, Default, Debug)]
struct Draft {
    target: String,
    aliases: Vec<String>,
    ip: Option<String>,
    ip6: Option<String>,
    mac: Option<String>,
    link_local: Option<String>,
    links: Vec<(String, String)>,
    driver_opts: BTreeMap<String, String>,
    gw_priority: i32,
}

/// Whether the long form begins: somewhere a word, `=`, a word.
fn is_long(value: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    value
        .as_bytes()
        .windows(3)
        .any(|three| word(three[0]) && three[1] == b'=' && word(three[2]))
}

/// Comma-separated fields; one in double quotes may hold commas, and `""` for a quote.
fn fields(value: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        let Some(field) = fields.last_mut() else {
            break;
        };
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if quoted || field.is_empty() => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => field.push(character),
        }
    }
    fields
}

fn driver_option(text: &str) -> Result<(String, String), AttachmentError> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err(AttachmentError::DriverOption),
    }
}

fn parse_draft(value: &str) -> Result<Draft, AttachmentError> {
    let mut draft = Draft::default();
    if !is_long(value) {
        value.clone_into(&mut draft.target);
        return Ok(draft);
    }
    for field in fields(value) {
        let (key, text) = match field.split_once('=') {
            Some((key, text)) if !key.is_empty() => (key.trim().to_ascii_lowercase(), text.trim()),
            _ => return Err(AttachmentError::Field(field)),
        };
        let text = text.to_owned();
        match key.as_str() {
            "name" => draft.target = text,
            "alias" => draft.aliases.push(text),
            "ip" => draft.ip = Some(text),
            "ip6" => draft.ip6 = Some(text),
            "mac-address" => draft.mac = Some(text),
            "link-local-ip" => draft.link_local = Some(text),
            "driver-opt" => draft.driver_opts.extend([driver_option(&text)?]),
            "gw-priority" => {
                let number = parse_integer(&text).map_err(AttachmentError::Priority)?;
                draft.gw_priority = i32::try_from(number).map_err(|_| {
                    AttachmentError::Priority(StrconvError::Range {
                        function: "Atoi",
                        text,
                    })
                })?;
            }
            _ => return Err(AttachmentError::Key(key)),
        }
    }
    if draft.target.is_empty() {
        Err(AttachmentError::NoTarget)
    } else {
        Ok(draft)
    }
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
        ifname: None,
        driver_opts: draft.driver_opts,
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
        configs.push(finish(draft).map_err(|error| match error {
            Ok(error) => error,
            Err(source) => AttachmentError::Settings { network, source },
        })?);
    }
    let user_defined = configs
        .iter()
        .filter(|config| is_user_defined(&config.network))
        .count();
    if user_defined != 0 && user_defined != configs.len() {
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
    finish(draft).map_err(|error| match error {
        Ok(error) => error,
        Err(source) => AttachmentError::Connection(source),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(values: &[&str]) -> AttachmentFlags {
        AttachmentFlags {
            networks: values.iter().map(|value| (*value).to_owned()).collect(),
            ..AttachmentFlags::default()
        }
    }

    #[test]
    fn the_long_form_sets_everything_of_one_attachment() {
        let configs = attachments(&networks(&[
            "name=H4n1,alias=web,alias=Api,ip=10.220.0.5,ip6=fd00::5,mac-address=02:42:0a:00:00:99,\
             gw-priority=-5,driver-opt=com.docker.network.endpoint.ifname=lan0",
            "other",
        ]))
        .unwrap();
        assert_eq!(
            configs[0],
            EndpointConfig {
                network: "H4n1".to_owned(),
                aliases: vec!["web".to_owned(), "Api".to_owned()],
                ip: Some("10.220.0.5".parse().unwrap()),
                ip6: Some("fd00::5".parse().unwrap()),
                mac: Some("02:42:0a:00:00:99".parse().unwrap()),
                gw_priority: -5,
                driver_opts: [(
                    "com.docker.network.endpoint.ifname".to_owned(),
                    "lan0".to_owned()
                )]
                .into(),
                ..EndpointConfig::default()
            }
        );
        assert_eq!(configs[1].network, "other");
    }

    #[test]
    fn plain_flags_belong_to_the_first_network() {
        let mut flags = networks(&["a", "b"]);
        flags.aliases = vec!["web".to_owned()];
        flags.ip = Some("10.0.0.9".to_owned());
        flags.links = vec!["db:database".to_owned(), "cache".to_owned()];
        let configs = attachments(&flags).unwrap();
        assert_eq!(configs[0].aliases, ["web"]);
        assert_eq!(configs[0].ip, Some("10.0.0.9".parse().unwrap()));
        assert_eq!(
            configs[0].links,
            [
                ("db".into(), "database".into()),
                ("cache".into(), "cache".into())
            ]
        );
        assert_eq!(
            configs[1],
            EndpointConfig {
                network: "b".into(),
                ..Default::default()
            }
        );
    }

    #[test]
    fn no_network_and_default_are_the_bridge() {
        assert_eq!(attachments(&networks(&[])).unwrap()[0].network, "bridge");
        assert_eq!(
            attachments(&networks(&["default"])).unwrap()[0].network,
            "bridge"
        );
    }

    #[test]
    fn a_quoted_field_may_hold_a_comma() {
        let configs = attachments(&networks(&["name=a,\"driver-opt=k=v,w\""])).unwrap();
        assert_eq!(configs[0].driver_opts["k"], "v,w");
    }

    #[test]
    fn bad_combinations_are_refused_with_dockers_texts() {
        for (values, error) in [
            (&["name=a,bogus"][..], "invalid field bogus"),
            (&["name=a,bogus=1"], "invalid field key bogus"),
            (&["alias=web"], "network name/id is not specified"),
            (
                &["name=a,gw-priority=x"],
                "invalid gw-priority: strconv.Atoi: parsing \"x\": invalid syntax",
            ),
            (
                &["name=a,driver-opt=x"],
                "invalid key value pair format in driver options",
            ),
            (&["name=a,mac-address=zz"], "zz is not a valid mac address"),
            (
                &["name=a,mac-address=01:00:5e:00:00:01"],
                "01:00:5e:00:00:01 is not a valid mac address",
            ),
            (
                &["name=a,link-local-ip=169.254.1.1"],
                "link-local addresses are not supported: 169.254.1.1",
            ),
            (&[" "], "no name set for network"),
            (&["a", "a"], "network \"a\" is specified multiple times"),
            (
                &["bridge", "a"],
                "conflicting options: cannot attach both user-defined and non-user-defined \
                 network-modes",
            ),
            (
                &["host", "a"],
                "conflicting options: cannot attach both user-defined and non-user-defined \
                 network-modes",
            ),
            (
                &["name=bridge,alias=foo"],
                "network-scoped aliases are only supported for user-defined networks",
            ),
            (
                &["name=h4n1,ip=bogus"],
                "invalid config for network h4n1: invalid endpoint settings:\n* invalid IPv4 \
                 address: bogus\n* no configured subnet or ip-range contain the IP address bogus",
            ),
        ] {
            assert_eq!(
                attachments(&networks(values)).unwrap_err().to_string(),
                error
            );
        }
    }

    #[test]
    fn a_setting_given_twice_is_refused() {
        for (set, error) in [
            (
                Box::new(|f: &mut AttachmentFlags| f.ip = Some("10.0.0.1".into()))
                    as Box<dyn Fn(&mut AttachmentFlags)>,
                "conflicting options: cannot specify both --ip and per-network IPv4 address",
            ),
            (
                Box::new(|f| f.ip6 = Some("fd00::1".into())),
                "conflicting options: cannot specify both --ip6 and per-network IPv6 address",
            ),
            (
                Box::new(|f| f.mac_address = Some("02:42:00:00:00:01".into())),
                "conflicting options: cannot specify both --mac-address and per-network MAC \
                 address",
            ),
            (
                Box::new(|f| f.aliases = vec!["x".into()]),
                "conflicting options: cannot specify both --network-alias and per-network alias",
            ),
        ] {
            let mut flags =
                networks(&["name=a,alias=y,ip=10.0.0.2,ip6=fd00::2,mac-address=02:42:00:00:00:02"]);
            set(&mut flags);
            assert_eq!(attachments(&flags).unwrap_err().to_string(), error);
        }
    }

    #[test]
    fn links_have_a_target_and_perhaps_an_alias() {
        assert_eq!(parse_link("a:b").unwrap(), ("a".into(), "b".into()));
        assert_eq!(parse_link("a").unwrap(), ("a".into(), "a".into()));
        assert_eq!(
            parse_link("").unwrap_err().to_string(),
            "empty string specified for links"
        );
        assert_eq!(
            parse_link("a:b:c").unwrap_err().to_string(),
            "bad format for links: a:b:c"
        );
        assert_eq!(
            parse_link(":b").unwrap_err().to_string(),
            "bad format for links: :b"
        );
    }

    #[test]
    fn connect_says_the_same_without_the_networks_name() {
        let flags = AttachmentFlags {
            ip: Some("bogus".to_owned()),
            ..AttachmentFlags::default()
        };
        assert_eq!(
            connection("h4x", &flags).unwrap_err().to_string(),
            "invalid endpoint settings:\n* invalid IPv4 address: bogus\n* no configured subnet or \
             ip-range contain the IP address bogus"
        );
        let flags = AttachmentFlags {
            driver_opts: vec!["a=b".to_owned()],
            gw_priority: 10,
            ..AttachmentFlags::default()
        };
        let config = connection("h4x", &flags).unwrap();
        assert_eq!(
            (config.gw_priority, config.driver_opts["a"].as_str()),
            (10, "b")
        );
    }
}
