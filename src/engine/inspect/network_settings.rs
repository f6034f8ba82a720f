//! `NetworkSettings`: what the container's network is now, and what stays of it while the
//! container does not run.

use std::collections::BTreeMap;

use rbox_netsetup::model::endpoint::{Endpoint, EndpointConfig};
use rbox_netsetup::model::port::PublishedPort;
use rbox_netsetup::plan::endpoint::dns_names;
use rbox_netsetup::store::NetworkStore;
use serde_json::{Map, Value, json};

use super::or_null;
use crate::engine::clock;
use crate::engine::list::shows_ports;
use crate::engine::record::{Container, Record};
use crate::engine::request::NetworkMode;

/// The section of a container.
pub(super) fn network_settings(store: &NetworkStore, container: &Container) -> Value {
    let record = &container.record;
    let sandbox = container
        .run
        .as_ref()
        .map(|run| run.sandbox.clone())
        .unwrap_or_default();
    let on = |network: &str| {
        let mut all = sandbox.endpoints.iter();
        all.find(|endpoint| endpoint.network == network)
    };
    // The namespace is another's, and so is all that is in it.
    let shared = matches!(record.host.network_mode, NetworkMode::Container(_));
    // Go prints maps sorted by key.
    let networks: BTreeMap<&str, Value> = record
        .networks
        .iter()
        .filter(|_| !shared)
        .map(|asked| {
            let endpoint = on(&asked.network);
            let settings = match endpoint {
                Some(endpoint) => Settings::of(endpoint),
                None => Settings::without(store, container, asked),
            };
            (asked.network.as_str(), settings.json(asked))
        })
        .collect();
    let ports = match &container.run {
        Some(run) if shows_ports(container) => bound(record, &run.sandbox.ports),
        _ => json!({}),
    };
    let top = on("bridge").map(Settings::of).unwrap_or_default();
    let (id, key) = match shared {
        true => ("", ""),
        false => (sandbox.id.as_str(), sandbox.key.as_str()),
    };
    json!({
        "Bridge": "",
        "SandboxID": id,
        "SandboxKey": key,
        "Ports": ports,
        "HairpinMode": false,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "SecondaryIPAddresses": null,
        "SecondaryIPv6Addresses": null,
        "EndpointID": top.endpoint,
        "Gateway": top.gateway,
        "GlobalIPv6Address": top.ip6,
        "GlobalIPv6PrefixLen": top.prefix6,
        "IPAddress": top.ip,
        "IPPrefixLen": top.prefix,
        "IPv6Gateway": top.gateway6,
        "MacAddress": top.mac,
        "Networks": networks,
    })
}

/// What is known of one attachment at this moment: empty where there is nothing.
#[derive(Default)]
struct Settings {
    network: String,
    endpoint: String,
    mac: String,
    ip: String,
    prefix: u8,
    gateway: String,
    ip6: String,
    prefix6: u8,
    gateway6: String,
    names: Vec<String>,
    host_interface: String,
}

impl Settings {
    fn of(endpoint: &Endpoint) -> Settings {
        fn text<T: ToString>(value: Option<T>) -> String {
            value.map(|value| value.to_string()).unwrap_or_default()
        }
        Settings {
            network: endpoint.network_id.clone(),
            endpoint: endpoint.id.clone(),
            mac: text(endpoint.mac),
            ip: text(endpoint.ip.map(|(ip, _)| ip)),
            prefix: endpoint.ip.map_or(0, |(_, prefix)| prefix),
            gateway: text(endpoint.gateway),
            ip6: text(endpoint.ip6.map(|(ip, _)| ip)),
            prefix6: endpoint.ip6.map_or(0, |(_, prefix)| prefix),
            gateway6: text(endpoint.gateway6),
            names: endpoint.dns_names.clone(),
            host_interface: endpoint.host_ifname.clone(),
        }
    }

    /// Of a container that does not run. Like Docker's, one that has run keeps the id of its
    /// network and its names there, one that was connected before its first start the names.
    fn without(store: &NetworkStore, container: &Container, asked: &EndpointConfig) -> Settings {
        let record = &container.record;
        let ran = container.run.is_none() && container.last.started_at != clock::ZERO;
        let mut settings = Settings::default();
        if (ran || asked.connected)
            && let Ok(network) = store.get(&asked.network)
        {
            let hostname = record.config.hostname_given;
            let hostname = hostname.then_some(record.config.hostname.as_str());
            settings.names = dns_names(&network, asked, &record.id, &record.name, hostname);
            if ran {
                settings.network = network.id;
            }
        }
        settings
    }

    fn json(&self, asked: &EndpointConfig) -> Value {
        let mut ipam = Map::new();
        if let Some(ip) = asked.ip {
            ipam.insert("IPv4Address".into(), json!(ip));
        }
        if let Some(ip) = asked.ip6 {
            ipam.insert("IPv6Address".into(), json!(ip));
        }
        let links: Vec<String> = asked
            .links
            .iter()
            .map(|(target, alias)| format!("{target}:{alias}"))
            .collect();
        // `network connect` says what it was not asked for, `run` leaves it out.
        let said = asked.connected;
        let unless = |empty: bool, value: Value| if empty { Value::Null } else { value };
        json!({
            "IPAMConfig": unless(ipam.is_empty() && !said, Value::Object(ipam)),
            "Links": or_null(&links),
            "Aliases": unless(asked.aliases.is_empty() && !said, json!(asked.aliases)),
            "MacAddress": self.mac,
            "DriverOpts": unless(asked.driver_opts.is_empty() && !said, json!(asked.driver_opts)),
            "GwPriority": asked.gw_priority,
            "NetworkID": self.network,
            "EndpointID": self.endpoint,
            "Gateway": self.gateway,
            "IPAddress": self.ip,
            "IPPrefixLen": self.prefix,
            "IPv6Gateway": self.gateway6,
            "GlobalIPv6Address": self.ip6,
            "GlobalIPv6PrefixLen": self.prefix6,
            "DNSNames": or_null(&self.names),
            "HostInterface": self.host_interface,
        })
    }
}

/// Ports of a running container: bound ones with their host side, exposed ones `null`.
fn bound(record: &Record, published: &[PublishedPort]) -> Value {
    let mut ports: BTreeMap<String, Value> = record
        .config
        .exposed_ports
        .iter()
        .map(|port| (String::from(*port), Value::Null))
        .collect();
    for port in published {
        let entry = ports
            .entry(String::from(port.container))
            .or_insert(Value::Null);
        // Gateway mode `routed` has no host ports.
        let host_port = match port.host_port {
            0 => String::new(),
            number => number.to_string(),
        };
        let binding = json!({"HostIp": port.host_ip.to_string(), "HostPort": host_port});
        match entry {
            Value::Array(list) => list.push(binding),
            other => *other = json!([binding]),
        }
    }
    json!(ports)
}
