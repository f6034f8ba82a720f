//! Published ports of one container: bound, led to by the firewall, relayed.
//!
//! ```text
//!  gateway mode        host port                     the container's own address
//!  nat                 bound, DNAT, relay            shut, but to trusted interfaces
//!  nat-unprotected     bound, DNAT, relay            open, every port
//!  routed              none                          open, published ports
//! ```

use std::net::IpAddr;

use ipnet::IpNet;
use rbox_netsetup::apply;
use rbox_netsetup::model::network::Driver;
use rbox_netsetup::model::network_options::GatewayMode;
use rbox_netsetup::model::port::{ContainerPort, HostPort, PortBinding, PublishedPort};
use rbox_netsetup::plan::Step;
use rbox_netsetup::relay::{self, BindError, Place};
use tokio::sync::watch;

use super::attachment::Attachment;
use super::network::{Network, failure};
use super::patience::wait_for;
use crate::engine::failure::Failure;
use crate::engine::record::Record;
use crate::engine::request::NetworkMode;
use crate::engine::{Engine, containers, names};

/// Where published ports lead in one address family, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lead {
    to: IpAddr,
    mode: GatewayMode,
    /// Interfaces to which they are open at the container's own address, too; its bridge stands
    /// for everybody.
    open_to: Vec<String>,
    /// Subnets of the container's other networks, where it would answer clients directly.
    shortcuts: Vec<IpNet>,
}

/// Binds what was asked for and leads traffic from outside to the container.
/// Nothing on host, none and shared networks, nor on internal and macvlan ones.
pub fn publish(network: &mut Network, engine: &Engine, record: &Record) -> Result<(), Failure> {
    let steps = plan(network, engine, record)?;
    network.carry_out(&steps)
}

/// Binds what was asked for; the steps that lead there.
pub fn plan(network: &mut Network, engine: &Engine, record: &Record) -> Result<Vec<Step>, Failure> {
    let bindings = bindings(record);
    let leads = leads(network);
    if bindings.is_empty() || leads.is_empty() {
        return Ok(Vec::new());
    }
    bind(network, engine, record, &bindings, &leads)?;
    let steps = steps(&network.sandbox.ports, &leads, &record.id);
    network.led_to = leads;
    Ok(steps)
}

/// After a connect or disconnect: the ports follow the networks that now have the
/// default routes. Where there is none they are given up, and asked for again when there is one.
pub fn retarget(network: &mut Network, engine: &Engine, record: &Record) -> Result<(), Failure> {
    let (bindings, leads) = (bindings(record), leads(network));
    if bindings.is_empty() || leads == network.led_to {
        return Ok(());
    }
    let old = std::mem::take(&mut network.led_to);
    let before = steps(&network.sandbox.ports, &old, &record.id);
    network.give_up(&before);
    // Of an address that the container has still, established connections go on.
    let gone: Vec<Step> = before
        .into_iter()
        .filter(|step| match step {
            Step::Ports { to, .. } => !network.addresses().contains(to),
            _ => false,
        })
        .collect();
    apply::forget_flows(&gone).map_err(failure)?;
    if leads.is_empty() {
        // Nothing leads to the container: the ports are anybody's. The relay closes its sockets
        // when it hears that its target is gone.
        network.target = None;
        network.sandbox.ports.clear();
        return Ok(());
    }
    bind(network, engine, record, &bindings, &leads)?;
    if let (Some(target), Some(first)) = (&network.target, leads.first()) {
        target.send_replace(first.to);
    }
    network.serve_ports();
    lead(network, leads, &record.id)
}

/// Binds what is not bound yet. What is stays so when a network with gateway mode `routed`
/// takes over: nobody else may have the port as long as `ps` shows it.
fn bind(
    network: &mut Network,
    engine: &Engine,
    record: &Record,
    bindings: &[PortBinding],
    leads: &[Lead],
) -> Result<(), Failure> {
    let (Some(gateway), Some(first)) = (gateway(network), leads.first()) else {
        return Ok(());
    };
    let routed = |ipv4: bool| {
        let same = |lead: &&Lead| lead.to.is_ipv4() == ipv4;
        let lead = leads.iter().find(same);
        lead.is_some_and(|lead| lead.mode == GatewayMode::Routed)
    };
    let has = |ipv4: bool| {
        let mut ports = network.sandbox.ports.iter();
        ports.any(|port| port.host_ip.is_ipv4() == ipv4 && port.host_port != 0)
    };
    let place = Place {
        to: first.to,
        default_ip: gateway.network.bridge_options().host_binding,
        unbound4: routed(true) || has(true),
        unbound6: routed(false) || has(false),
    };
    let bound = relay::bind(bindings, &place).map_err(|error| {
        failure(format!(
            "driver failed programming external connectivity on endpoint {} ({}): {}",
            record.name,
            gateway.endpoint.id,
            explain(engine, record, error)
        ))
    })?;
    let had = std::mem::take(&mut network.sandbox.ports);
    network.sandbox.ports = bound
        .iter()
        .map(|port| port.published.clone())
        .filter(|port| port.host_port != 0 || !has_host_port(&had, port.host_ip))
        .collect();
    let kept = had.into_iter().filter(|port| port.host_port != 0);
    network.sandbox.ports.extend(kept);
    network.bound.extend(bound);
    if network.target.is_none() {
        network.target = Some(watch::channel(first.to).0);
    }
    Ok(())
}

fn has_host_port(ports: &[PublishedPort], family: IpAddr) -> bool {
    let same = |port: &&PublishedPort| port.host_ip.is_ipv4() == family.is_ipv4();
    ports.iter().filter(same).any(|port| port.host_port != 0)
}

/// Lets the firewall lead the ports to these addresses.
fn lead(network: &mut Network, leads: Vec<Lead>, owner: &str) -> Result<(), Failure> {
    let steps = steps(&network.sandbox.ports, &leads, owner);
    network.led_to = leads;
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
        .filter(|attachment| attachment.network.driver == Driver::Bridge)
}

/// Where ports lead: to one address a family, on the network that has its default route, IPv4
/// first.
fn leads(network: &Network) -> Vec<Lead> {
    let mut leads = Vec::new();
    for step in network.default_routes() {
        let Step::DefaultRoute {
            ifname,
            gateway,
            gateway6,
        } = step
        else {
            continue;
        };
        let on_it = |attachment: &&Attachment| {
            attachment.endpoint.ifname == ifname && attachment.network.driver == Driver::Bridge
        };
        let Some(attachment) = network.attachments.iter().find(on_it) else {
            continue;
        };
        let routed = |ip: &IpAddr| match ip {
            IpAddr::V4(_) => gateway.is_some(),
            IpAddr::V6(_) => gateway6.is_some(),
        };
        for to in attachment.addresses().filter(routed) {
            leads.push(lead_to(network, attachment, to));
        }
    }
    leads
}

fn lead_to(network: &Network, attachment: &Attachment, to: IpAddr) -> Lead {
    let options = attachment.network.bridge_options();
    let mode = options.gateway(to);
    let open_to = match mode {
        GatewayMode::Routed => vec![attachment.endpoint.bridge.clone()],
        GatewayMode::Nat => options.trusted,
        GatewayMode::NatUnprotected | GatewayMode::Isolated => Vec::new(),
    };
    let others = network.attachments.iter().filter(|other| {
        other.network.id != attachment.network.id
            && other.network.driver.attaches()
            && !other.network.internal
    });
    let shortcuts = others
        .filter_map(|other| other.network.pool(to.is_ipv6()))
        .map(|pool| pool.subnet)
        .collect();
    Lead {
        to,
        mode,
        open_to,
        shortcuts,
    }
}

/// A loopback binding is served by the relay alone, and so is IPv6 in front of
/// a container that has only IPv4.
pub fn steps(published: &[PublishedPort], leads: &[Lead], owner: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for lead in leads {
        let same = |port: &&PublishedPort| port.host_ip.is_ipv4() == lead.to.is_ipv4();
        let led: Vec<PublishedPort> = published
            .iter()
            .filter(same)
            .filter(|port| !port.host_ip.is_loopback() && port.host_port != 0)
            .cloned()
            .collect();
        if !led.is_empty() && lead.mode.translates() {
            steps.push(Step::Ports {
                ports: led,
                to: lead.to,
                owner: owner.to_owned(),
                shortcuts: lead.shortcuts.clone(),
            });
        }
        // What is bound to loopback is for this host alone, whomever a network trusts.
        let mut open: Vec<ContainerPort> = published
            .iter()
            .filter(same)
            .filter(|port| !port.host_ip.is_loopback())
            .map(|port| port.container)
            .collect();
        open.sort_unstable();
        open.dedup();
        if !open.is_empty() && !lead.open_to.is_empty() {
            steps.push(Step::Reach {
                ports: open,
                at: lead.to,
                interfaces: lead.open_to.clone(),
                owner: owner.to_owned(),
            });
        }
    }
    steps
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
