//! Published ports of one container: bound, led to by the firewall, relayed.

use std::net::IpAddr;

use rbox_netsetup::model::port::{HostPort, PortBinding, PublishedPort};
use rbox_netsetup::plan::Step;
use rbox_netsetup::relay::{self, BindError};
use tokio::sync::watch;

use super::network::{Attachment, Network, failure};
use crate::engine::failure::Failure;
use crate::engine::record::Record;
use crate::engine::request::NetworkMode;
use crate::engine::{Engine, containers};

/// Binds what was asked for and leads traffic from outside to the container.
/// Nothing on host, none and shared networks, nor on internal ones.
pub fn publish(network: &mut Network, engine: &Engine, record: &Record) -> Result<(), Failure> {
    let bindings = bindings(record);
    if bindings.is_empty() {
        return Ok(());
    }
    let Some(gateway) = gateway(network) else { return Ok(()) };
    let Some(to) = gateway.addresses().next() else { return Ok(()) };
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
    let steps = steps(&network.sandbox.ports, to, &record.id);
    network.carry_out(&steps)
}

/// After a connect or disconnect: the ports follow the network that now has the
/// default route.
pub fn retarget(network: &mut Network, record: &Record) -> Result<(), Failure> {
    let Some(target) = &network.target else { return Ok(()) };
    let before = *target.borrow();
    let to = gateway(network).and_then(|attachment| attachment.addresses().next());
    if to == Some(before) {
        return Ok(());
    }
    let published = network.sandbox.ports.clone();
    network.take_back(&steps(&published, before, &record.id));
    if let Some(to) = to {
        if let Some(target) = &network.target {
            target.send_replace(to);
        }
        network.carry_out(&steps(&published, to, &record.id))?;
    }
    Ok(())
}

/// The attachment whose network has the default route.
fn gateway(network: &Network) -> Option<&Attachment> {
    let ifname = network.default_routes().into_iter().find_map(|step| match step {
        Step::DefaultRoute { ifname, .. } => Some(ifname),
        _ => None,
    })?;
    network.attachments.iter().find(|attachment| attachment.endpoint.ifname == ifname)
}

/// A loopback binding is served by the relay alone, and so is IPv6 in front of
/// a container that has only IPv4.
fn steps(published: &[PublishedPort], to: IpAddr, owner: &str) -> Vec<Step> {
    let ports: Vec<PublishedPort> = published
        .iter()
        .filter(|port| port.host_ip.is_ipv4() == to.is_ipv4() && !port.host_ip.is_loopback())
        .cloned()
        .collect();
    if ports.is_empty() {
        return Vec::new();
    }
    vec![Step::Ports { ports, to, owner: owner.to_owned() }]
}

/// `-p`, and with `-P` every other exposed port.
fn bindings(record: &Record) -> Vec<PortBinding> {
    let host = &record.host;
    if !matches!(host.network_mode, NetworkMode::Bridge | NetworkMode::Network(_)) {
        return Vec::new();
    }
    let mut bindings = host.port_bindings.clone();
    if host.publish_all {
        let asked: Vec<_> = bindings.iter().map(|binding| binding.container).collect();
        bindings.extend(
            record.config.exposed_ports.iter().filter(|port| !asked.contains(port)).map(|port| {
                PortBinding {
                    container: *port,
                    host_ip: None,
                    host_port: HostPort::Ephemeral,
                }
            }),
        );
    }
    bindings
}

/// Says so if the port is held by another container of ours, and at which address.
fn explain(engine: &Engine, record: &Record, error: BindError) -> String {
    let Some((protocol, ip, port)) = error.taken() else { return error.to_string() };
    let in_the_way = |held: &PublishedPort| {
        held.host_port == port
            && held.container.protocol == protocol
            && (held.host_ip == ip
                || held.host_ip.is_ipv4() == ip.is_ipv4()
                    && (held.host_ip.is_unspecified() || ip.is_unspecified()))
    };
    let held = containers::all(&engine.dirs)
        .unwrap_or_default()
        .into_iter()
        .filter(|other| other.record.id != record.id)
        .filter_map(|other| other.run)
        .find_map(|run| run.sandbox.ports.into_iter().find(in_the_way));
    match held {
        Some(held) => format!(
            "Bind for {}:{port} failed: port is already allocated",
            bracketed(if held.host_ip.is_unspecified() { held.host_ip } else { ip })
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
