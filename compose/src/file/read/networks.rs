//! `networks` of a project and of a service, and what else says how a service is reached.

use std::collections::BTreeMap;

use super::Around;
use super::fields::Fields;
use super::item::Item;
use crate::file::error::LoadError;
use crate::model::{Attachment, Network, Pool};

/// Reads a network of the project.
pub fn network(key: &str, item: &Item, around: &Around) -> Result<Network, LoadError> {
    if item.node.is_null() {
        return Ok(Network {
            name: format!("{}_{key}", around.project),
            ..Network::default()
        });
    }
    let mut fields = item.fields()?;
    let (name, external) = identity(&mut fields, key, around)?;
    let mut network = Network {
        name,
        external,
        driver: fields.word("driver")?,
        driver_opts: fields.or_default("driver_opts", Item::full_pairs)?,
        internal: fields.or_default("internal", Item::boolean)?,
        attachable: fields.or_default("attachable", Item::boolean)?,
        enable_ipv4: fields.opt("enable_ipv4", Item::boolean)?,
        enable_ipv6: fields.opt("enable_ipv6", Item::boolean)?,
        labels: fields.or_default("labels", Item::full_pairs)?,
        ..Network::default()
    };
    if let Some(ipam) = fields.get("ipam") {
        let mut ipam = ipam.fields()?;
        network.ipam_driver = ipam.word("driver")?;
        network.ipam_options = ipam.or_default("options", Item::full_pairs)?;
        network.pools =
            ipam.or_default("config", |item| item.list()?.iter().map(pool).collect())?;
        ipam.finish()?;
    }
    fields.finish()?;
    Ok(network)
}

/// `name` and `external` of a network or volume; nothing else may be said of what is not ours.
pub fn identity(
    fields: &mut Fields,
    key: &str,
    around: &Around,
) -> Result<(String, bool), LoadError> {
    let mut name = fields.word("name")?;
    let external = fields.opt("external", |item| {
        if item.node.as_mapping().is_none() {
            return item.boolean();
        }
        // The old way to name it.
        let mut fields = item.fields()?;
        let old = fields.word("name")?;
        fields.finish()?;
        name = name.take().or(old);
        Ok(true)
    })?;
    let external = external.unwrap_or_default();
    let others = [
        "driver",
        "driver_opts",
        "ipam",
        "internal",
        "enable_ipv4",
        "enable_ipv6",
        "labels",
    ];
    if external {
        for other in others {
            if fields.place(other).is_some() {
                let text = format!("conflicting parameters \"external\" and \"{other}\" specified");
                return Err(fields.conflict(other, text));
            }
        }
    }
    let default = || match external {
        true => key.to_owned(),
        false => format!("{}_{key}", around.project),
    };
    Ok((name.unwrap_or_else(default), external))
}

fn pool(item: &Item) -> Result<Pool, LoadError> {
    let mut fields = item.fields()?;
    let pool = Pool {
        subnet: fields.word("subnet")?,
        ip_range: fields.word("ip_range")?,
        gateway: fields.word("gateway")?,
        aux_addresses: fields.or_default("aux_addresses", Item::full_pairs)?,
    };
    fields.finish()?;
    Ok(pool)
}

/// Reads a service's `networks`.
pub fn attachments(item: &Item) -> Result<BTreeMap<String, Attachment>, LoadError> {
    let mut found = BTreeMap::new();
    for (key, item) in item.entries()? {
        let attachment = match item.node.is_null() {
            true => Attachment::default(),
            false => attachment(&item)?,
        };
        found.insert(key, attachment);
    }
    Ok(found)
}

fn attachment(item: &Item) -> Result<Attachment, LoadError> {
    let mut fields = item.fields()?;
    fields.refuse(&["link_local_ips"])?;
    let attachment = Attachment {
        aliases: fields.or_default("aliases", Item::texts)?,
        ipv4_address: fields.word("ipv4_address")?,
        ipv6_address: fields.word("ipv6_address")?,
        mac_address: fields.word("mac_address")?,
        interface_name: fields.word("interface_name")?,
        driver_opts: fields.or_default("driver_opts", Item::full_pairs)?,
        priority: fields.or_default("priority", Item::integer)?,
        gw_priority: fields.or_default("gw_priority", Item::integer)?,
    };
    fields.finish()?;
    Ok(attachment)
}

/// Reads `network_mode`.
pub fn mode(item: &Item) -> Result<String, LoadError> {
    let text = item.word()?;
    let known = match text.split_once(':') {
        None => ["none", "host", "bridge"].contains(&text.as_str()),
        Some(("service" | "container", name)) => !name.is_empty(),
        Some(("ns", path)) => path.starts_with('/'),
        Some(_) => false,
    };
    if known {
        return Ok(text);
    }
    let known = "none, host, bridge, service:NAME, container:NAME, ns:/PATH";
    let error = item.error(format!("\"{text}\" is none of {known}"));
    Err(error.hint("a network is named in networks"))
}

/// Reads `extra_hosts`: a pair for each name and address.
pub fn hosts(item: &Item) -> Result<Vec<(String, String)>, LoadError> {
    let mut found = Vec::new();
    if item.node.as_mapping().is_none() {
        return Err(item.error("must be a mapping or a list of NAME=ADDRESS"));
    }
    for (name, item) in item.entries()? {
        if name.is_empty() || name.contains(['=', ':']) || name.contains(char::is_whitespace) {
            return Err(item.error(format!("bad format for add-host: \"{name}\"")));
        }
        for item in item.list()? {
            let text = item.word()?;
            let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
            let address = bare.unwrap_or(&text);
            if address != "host-gateway" && address.parse::<std::net::IpAddr>().is_err() {
                return Err(item.error(format!("invalid IP address in add-host: \"{text}\"")));
            }
            found.push((name.clone(), address.to_owned()));
        }
    }
    Ok(found)
}
