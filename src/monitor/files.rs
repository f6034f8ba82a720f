//! The files that a container sees over its own /etc/hosts, /etc/hostname and
//! /etc/resolv.conf. They are made anew at each start.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use rbox_netsetup::files::hosts::{self, HostsInput};
use rbox_netsetup::files::resolv::{self, Audience, External, ResolvInput};
use rbox_netsetup::files::{hostname, resolv_conf};

use super::network::Network;
use crate::engine::Engine;
use crate::engine::adopted;
use crate::engine::failure::{Context, Failure};
use crate::engine::links::Links;
use crate::engine::record::Record;
use crate::engine::request::{HostConfig, NetworkMode};
use crate::engine::user_namespace::Mapping;

/// Writes them; which path inside is which file.
pub fn write(
    engine: &Engine,
    record: &Record,
    network: &Network,
    links: &Links,
) -> Result<BTreeMap<String, PathBuf>, Failure> {
    for (path, text) in texts(engine, record, network, links)? {
        put(&path, &text)?;
    }
    let owner = owner(record);
    if owner == record.id {
        give_to_root(record, &engine.dirs.container(owner))?;
    }
    Ok(places(engine, record))
}

/// A container that shares another's network shares its files too.
fn owner(record: &Record) -> &str {
    match &record.host.network_mode {
        NetworkMode::Container(id) => id,
        _ => &record.id,
    }
}

/// Which path inside is which file.
pub fn places(engine: &Engine, record: &Record) -> BTreeMap<String, PathBuf> {
    let dir = engine.dirs.container(owner(record));
    let paths = |name: &str| (format!("/etc/{name}"), dir.join(name));
    let mut files = BTreeMap::from([paths("hosts"), paths("hostname")]);
    if !record.host.dns_none {
        files.extend([paths("resolv.conf")]);
    }
    files
}

/// The files that are the container's own, and what is in them.
pub fn texts(
    engine: &Engine,
    record: &Record,
    network: &Network,
    links: &Links,
) -> Result<Vec<(PathBuf, String)>, Failure> {
    if owner(record) != record.id {
        return Ok(Vec::new());
    }
    let dir = engine.dirs.container(&record.id);
    Ok(vec![
        (dir.join("hostname"), hostname(&record.config.hostname)),
        (
            dir.join("hosts"),
            hosts_text(engine, record, network, links)?,
        ),
        (dir.join("resolv.conf"), resolv_text(record, network)),
    ])
}

/// Root of the container may change them, as in any other.
fn give_to_root(record: &Record, dir: &Path) -> Result<(), Failure> {
    let Some((uid, gid)) = record.user_namespace.as_ref().and_then(Mapping::root) else {
        return Ok(());
    };
    for name in ["hostname", "hosts", "resolv.conf"] {
        let path = dir.join(name);
        std::os::unix::fs::chown(&path, Some(uid), Some(gid))
            .context(|| format!("set the owner of {}", path.display()))?;
    }
    Ok(())
}

/// Written in place: a running container has the file mounted.
pub fn put(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).context(|| format!("write {}", path.display()))
}

fn hosts_text(
    engine: &Engine,
    record: &Record,
    network: &Network,
    links: &Links,
) -> Result<String, Failure> {
    let host_copy = match &record.host.network_mode {
        NetworkMode::Host => Some(PathBuf::from("/etc/hosts")),
        NetworkMode::Namespace(path) => Some(adopted::file(path, "hosts")),
        _ => None,
    };
    let host_copy = host_copy.map(|path| fs::read_to_string(path).unwrap_or_default());
    Ok(hosts::hosts(&HostsInput {
        host_copy,
        extra: extra_hosts(engine, &record.host)?,
        links: links.hosts.clone(),
        own: network.addresses(),
        hostname: record.config.hostname.clone(),
        domainname: record.config.domainname.clone(),
    }))
}

/// `--add-host` with `host-gateway` replaced by the default bridge's address.
fn extra_hosts(engine: &Engine, host: &HostConfig) -> Result<Vec<(String, IpAddr)>, Failure> {
    let mut extra = Vec::new();
    for (name, address) in &host.extra_hosts {
        if address == "host-gateway" {
            let bridge = engine
                .networks
                .get("bridge")
                .map_err(|error| Failure::new(error.to_string()))?;
            extra.extend(
                bridge
                    .pools
                    .iter()
                    .filter_map(|pool| Some((name.clone(), pool.gateway?))),
            );
        } else {
            let address = address.parse().map_err(|_| {
                Failure::new(format!("invalid IP address in add-host: \"{address}\""))
            })?;
            extra.push((name.clone(), address));
        }
    }
    Ok(extra)
}

/// The text of resolv.conf for the networks that the container is on now.
pub fn resolv_text(record: &Record, network: &Network) -> String {
    let audience = match record.host.network_mode {
        NetworkMode::Host => Audience::Host,
        _ if network.has_resolver() => Audience::EmbeddedResolver,
        _ => Audience::OwnNamespace {
            ipv6: network.addresses().iter().any(IpAddr::is_ipv6),
        },
    };
    let own = match &record.host.network_mode {
        NetworkMode::Namespace(path) => adopted::own_file(path, "resolv.conf"),
        _ => None,
    };
    if let Some(own) = own
        && !overridden(&record.host)
        && let Ok(text) = fs::read_to_string(own)
    {
        return text;
    }
    let (path, text) = host_resolv_conf();
    resolv_conf(&ResolvInput {
        audience,
        host: &text,
        host_path: path,
        dns: &record.host.dns,
        search: &record.host.dns_search,
        options: &record.host.dns_options,
    })
}

fn overridden(host: &HostConfig) -> bool {
    !(host.dns.is_empty() && host.dns_search.is_empty() && host.dns_options.is_empty())
}

/// The servers that the embedded resolver asks.
pub fn upstreams(host: &HostConfig) -> Vec<External> {
    resolv::external_servers(&host_resolv_conf().1, &host.dns)
}

/// The file of the host whose servers the embedded resolver follows; none where `--dns` was given.
pub fn followed(host: &HostConfig) -> Option<PathBuf> {
    let path = || PathBuf::from(host_resolv_conf().0);
    host.dns.is_empty().then(path)
}

fn host_resolv_conf() -> (&'static str, String) {
    const OWN: &str = "/etc/resolv.conf";
    let text = fs::read_to_string(OWN).unwrap_or_default();
    let path = resolv::host_path(&text);
    match fs::read_to_string(path) {
        Ok(other) if path != OWN => (path, other),
        // Without systemd's list of servers its stub is asked, from the host.
        _ => (OWN, text),
    }
}
