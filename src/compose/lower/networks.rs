//! A service's networks: what it is attached to, as whom, and whom it knows besides.

use rbox_netsetup::model::attachment::{parse_link, parse_mac};
use rbox_netsetup::model::endpoint::EndpointConfig;
use rbox_netsetup::model::endpoint_rules::IFNAME_OPTION;

use super::super::model::Attachment;
use super::security::shared;
use super::{At, Project, Which};
use crate::cli::parse::hosts::{self, Dns};
use crate::engine::Failure;
use crate::engine::request::{ContainerRequest, NetworkMode};

/// Sets them.
pub fn set(
    project: &Project,
    at: &At<'_>,
    which: &Which<'_>,
    request: &mut ContainerRequest,
) -> Result<(), Failure> {
    let service = at.service;
    resolver(at, request)?;
    for (name, address) in &service.extra_hosts {
        let host = hosts::extra_host(&format!("{name}={address}"))
            .map_err(|error| at.refuse("extra_hosts", error))?;
        request.host.extra_hosts.push(host);
    }
    if let Some(mac) = &service.mac_address {
        parse_mac(mac).map_err(|error| at.refuse("mac_address", error))?;
        request.host.mac_address = Some(mac.clone());
    }
    let links = links(project, at, which)?;
    if let Some(mode) = &service.network_mode {
        request.host.network_mode = mode_of(&shared(project, at, which, "network_mode", mode)?)
            .ok_or_else(|| {
                at.refuse(
                    "network_mode",
                    format!(
                        "{mode}: bridge, host, none, service:NAME, container:NAME and ns:/path are \
                         the modes that there are"
                    ),
                )
            })?;
        request.host.links = links
            .into_iter()
            .map(|(target, alias)| format!("{target}:{alias}"))
            .collect();
        return Ok(());
    }
    let mut attachments: Vec<(&String, &Attachment)> = service.networks.iter().collect();
    attachments.sort_by_key(|(key, attachment)| (-attachment.priority, *key));
    for (key, attachment) in attachments {
        let network = project
            .networks
            .get(key)
            .ok_or_else(|| at.refuse("networks", format!("undefined network {key}")))?;
        let mut endpoint = endpoint(at, key, attachment)?;
        endpoint.network.clone_from(&network.name);
        endpoint.links.clone_from(&links);
        if which.aliases {
            endpoint.aliases.insert(0, service.name.clone());
        }
        request.networks.push(endpoint);
    }
    request.host.network_mode = match request.networks.first() {
        Some(first) => NetworkMode::Network(first.network.clone()),
        None => NetworkMode::None,
    };
    Ok(())
}

fn resolver(at: &At<'_>, request: &mut ContainerRequest) -> Result<(), Failure> {
    let service = at.service;
    for text in &service.dns {
        match hosts::dns(text).map_err(|error| at.refuse("dns", error))? {
            Dns::None => request.host.dns_none = true,
            Dns::Server(address) => request.host.dns.push(address),
        }
    }
    for text in &service.dns_search {
        let domain = hosts::dns_search(text).map_err(|error| at.refuse("dns_search", error))?;
        request.host.dns_search.push(domain);
    }
    request.host.dns_options.clone_from(&service.dns_opt);
    Ok(())
}

/// A mode as `--network` has it; `None` if it is none.
fn mode_of(text: &str) -> Option<NetworkMode> {
    Some(match text {
        "bridge" | "default" => NetworkMode::Bridge,
        "host" => NetworkMode::Host,
        "none" => NetworkMode::None,
        _ => match text.split_once(':')? {
            ("container", name) if !name.is_empty() => NetworkMode::Container(name.to_owned()),
            ("ns", path) if path.starts_with('/') => NetworkMode::Namespace(path.into()),
            _ => return None,
        },
    })
}

fn endpoint(at: &At<'_>, key: &str, given: &Attachment) -> Result<EndpointConfig, Failure> {
    let refuse = |field: &str, why: String| at.refuse(&format!("networks.{key}.{field}"), why);
    let mut endpoint = EndpointConfig {
        aliases: given.aliases.clone(),
        driver_opts: given.driver_opts.clone(),
        ..EndpointConfig::default()
    };
    if let Some(name) = &given.interface_name {
        let options = &mut endpoint.driver_opts;
        options.insert(IFNAME_OPTION.to_owned(), name.clone());
    }
    endpoint.gw_priority = i32::try_from(given.gw_priority)
        .map_err(|_| refuse("gw_priority", "value out of range".to_owned()))?;
    if let Some(address) = &given.ipv4_address {
        let parsed = address.parse();
        endpoint.ip = Some(
            parsed
                .map_err(|_| refuse("ipv4_address", format!("invalid IPv4 address: {address}")))?,
        );
    }
    if let Some(address) = &given.ipv6_address {
        let parsed = address.parse();
        endpoint.ip6 = Some(
            parsed
                .map_err(|_| refuse("ipv6_address", format!("invalid IPv6 address: {address}")))?,
        );
    }
    if let Some(mac) = &given.mac_address {
        let parsed = parse_mac(mac);
        endpoint.mac = Some(parsed.map_err(|error| refuse("mac_address", error.to_string()))?);
    }
    Ok(endpoint)
}

/// Whom the service links to, container and alias: each container of a service by the alias, by
/// service and number, and by its name.
fn links(
    project: &Project,
    at: &At<'_>,
    which: &Which<'_>,
) -> Result<Vec<(String, String)>, Failure> {
    let mut links = Vec::new();
    for text in &at.service.links {
        let (name, alias) =
            parse_link(text).map_err(|error| at.refuse("links", error.to_string()))?;
        if !project.services.contains_key(&name) {
            return Err(at.refuse("links", format!("no such service: {name}")));
        }
        for (number, container) in which.all_of(project, &name) {
            links.push((container.clone(), alias.clone()));
            links.push((container.clone(), format!("{name}-{number}")));
            links.push((container.clone(), container));
        }
    }
    for text in &at.service.external_links {
        let link = parse_link(text).map_err(|error| at.refuse("external_links", error))?;
        links.push(link);
    }
    links.dedup();
    Ok(links)
}
