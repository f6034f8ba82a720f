//! Published ports of one container: bound, led to by the firewall, relayed.

use std::net::IpAddr;

use rbox_netsetup::model::port::{HostPort, PortBinding, PublishedPort};
use rbox_netsetup::plan::Step;
use rbox_netsetup::relay::{self, BindError};
use tokio::sync::watch;

use super::network::{Attachment, Network, failure};
use super::patience::wait_for;
use crate::engine::failure::Failure;
use crate::engine::record::Record;
use crate::engine::request::NetworkMode;
use crate::engine::{Engine, containers, names};

/// Binds what was asked for and leads traffic from outside to the container.
/// Nothing on host, none and shared networks, nor on internal ones.
pub fn publish(network: &mut Network, engine: &Engine, record: &Record) -> Result<(), Failure> {
    let bindings = bindings(record);
    if bindings.is_empty() {
        return Ok(());
    }
    let targets = targets(network);
    let (Some(gateway), Some(to)) = (gateway(network), targets.first().copied()) else {
        return Ok(());
    };
    let default_ip = gateway.network.bridge_options().host_binding;
    let bound = relay::bind(&bindings, to, default_ip).map_err(|error| {
        failure(format!(
            "driver failed programming external connectivity on endpoint {} ({}): {}",
            record.name,
            gateway.endpoint.id,
            explain(engine, record, error)
        ))
    })?;
    network.sandbox.ports = bound.iter().map(|port| port.published.clone()).collect();
    network.bound = bound;
    network.target = Some(watch::channel(to).0);
    lead(network, targets, &record.id)
}

/// After a connect or disconnect: the ports follow the networks that now have the
/// default routes.
pub fn retarget(network: &mut Network, record: &Record) -> Result<(), Failure> {
    let Some(target) = &network.target else {
        return Ok(());
    };
    let targets = targets(network);
    if targets == network.led_to {
        return Ok(());
    }
    if let Some(to) = targets.first() {
        target.send_replace(*to);
    }
    let old = std::mem::take(&mut network.led_to);
    network.give_up(&steps(&network.sandbox.ports, &old, &record.id));
    lead(network, targets, &record.id)
}

/// Lets the firewall lead the ports to these addresses.
fn lead(network: &mut Network, targets: Vec<IpAddr>, owner: &str) -> Result<(), Failure> {
    let steps = steps(&network.sandbox.ports, &targets, owner);
    network.led_to = targets;
    network.carry_out(&steps)
}

/// The attachment whose network has the default route, that of IPv4 before that of IPv6.
fn gateway(network: &Network) -> Option<&Attachment> {
    let ifname = network
        .default_routes()
        .into_iter()
        .find_map(|step| match step {
            Step::DefaultRoute { ifname, .. } => Some(ifname),
            _ => None,
        })?;
    network
        .attachments
        .iter()
        .find(|attachment| attachment.endpoint.ifname == ifname)
}

/// The addresses that ports lead to: one a family, on the network that has its default
/// route, IPv4 first.
fn targets(network: &Network) -> Vec<IpAddr> {
    let mut targets = Vec::new();
    for step in network.default_routes() {
        let Step::DefaultRoute {
            ifname,
            gateway,
            gateway6,
        } = step
        else {
            continue;
        };
        let routed = |ip: &IpAddr| {
            if ip.is_ipv4() {
                gateway.is_some()
            } else {
                gateway6.is_some()
            }
        };
        let on_it = |attachment: &&Attachment| attachment.endpoint.ifname == ifname;
        let attachment = network.attachments.iter().find(on_it);
        targets.extend(
            attachment
                .into_iter()
                .flat_map(Attachment::addresses)
                .filter(routed),
        );
    }
    targets
}

/// A loopback binding is served by the relay alone, and so is IPv6 in front of
/// a container that has only IPv4.
fn steps(published: &[PublishedPort], targets: &[IpAddr], owner: &str) -> Vec<Step> {
    let led = |to: &IpAddr| {
        let same = |ip: IpAddr| ip.is_ipv4() == to.is_ipv4() && !ip.is_loopback();
        let ports: Vec<PublishedPort> = published
            .iter()
            .filter(|port| same(port.host_ip))
            .cloned()
            .collect();
        let step = |ports| Step::Ports {
            ports,
            to: *to,
            owner: owner.to_owned(),
        };
        (!ports.is_empty()).then(|| step(ports))
    };
    targets.iter().filter_map(led).collect()
}

/// `-p`, and with `-P` every other exposed port.
fn bindings(record: &Record) -> Vec<PortBinding> {
    let host = &record.host;
    if !matches!(
        host.network_mode,
        NetworkMode::Bridge | NetworkMode::Network(_)
    ) {
        return Vec::new();
    }
    let mut bindings = host.port_bindings.clone();
    if host.publish_all {
        let asked: Vec<_> = bindings.iter().map(|binding| binding.container).collect();
        bindings.extend(
            record
                .config
                .exposed_ports
                .iter()
                .filter(|port| !asked.contains(port))
                .map(|port| PortBinding {
                    container: *port,
                    host_ip: None,
                    host_port: HostPort::Ephemeral,
                }),
        );
    }
    bindings
}

/// Says so if the port is held by another container of ours, and at which address.
fn explain(engine: &Engine, record: &Record, error: BindError) -> String {
    let Some((protocol, ip, port)) = error.taken() else {
        return error.to_string();
    };
    let in_the_way = |held: &PublishedPort| {
        held.host_port == port
            && held.container.protocol == protocol
            && (held.host_ip == ip
                || held.host_ip.is_ipv4() == ip.is_ipv4()
                    && (held.host_ip.is_unspecified() || ip.is_unspecified()))
    };
    // Who starts at this moment may have it and not have said so yet.
    let held = wait_for(|| {
        let (mut undecided, mut held) = (false, None);
        for id in names::ids(&engine.dirs.run_containers()).unwrap_or_default() {
            if id == record.id {
                continue;
            }
            match containers::run_state(&engine.dirs, &id) {
                Some(run) => held = held.or(run.sandbox.ports.into_iter().find(in_the_way)),
                None => undecided |= containers::is_alive(&engine.dirs, &id),
            }
        }
        (held.is_some() || !undecided).then_some(held)
    })
    .flatten();
    match held {
        Some(held) => format!(
            "Bind for {}:{port} failed: port is already allocated",
            bracketed(if held.host_ip.is_unspecified() {
                held.host_ip
            } else {
                ip
            })
        ),
        None => error.to_string(),
    }
}

fn bracketed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}
