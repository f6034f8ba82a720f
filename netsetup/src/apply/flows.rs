//! Tracked connections follow published ports: the firewall's rules decide only about a
//! connection's first packet.

use std::net::IpAddr;

use super::context::Context;
use super::error::ApplyError;
use crate::kernel::conntrack::Conntrack;
use crate::kernel::netlink::NetlinkError;
use crate::model::port::{Protocol, PublishedPort};
use crate::plan::Step;

/// Clients that go on sending datagrams to a port that has just been published (or moved) reach
/// the container at once. Costs nothing where no UDP port is; new TCP connections are new.
pub(super) fn lead_anew(
    ports: &[PublishedPort],
    to: IpAddr,
    context: &mut Context<'_>,
) -> Result<(), ApplyError> {
    let udp = |port: &&PublishedPort| port.container.protocol == Protocol::Udp;
    if !ports.iter().any(|port| udp(&port)) {
        return Ok(());
    }
    let everywhere = ports
        .iter()
        .filter(udp)
        .any(|port| port.host_ip.is_unspecified());
    let here: Vec<IpAddr> = if everywhere {
        let all = context.host.addresses()?.into_iter();
        all.map(|info| info.address)
            .filter(|address| !address.is_loopback())
            .collect()
    } else {
        Vec::new()
    };
    let mut conntrack = open()?;
    tolerate_absence(conntrack.forget_datagrams(ports, to, &here))
}

/// Forgets the connections that were led to a container's addresses, once its ports are
/// withdrawn: with the addresses their other end is gone. Whom they lead to is taken from the
/// steps that published the ports.
///
/// # Errors
/// The kernel refuses. The connections then end by their time limits.
pub fn forget_flows(steps: &[Step]) -> Result<(), ApplyError> {
    let mut targets: Vec<IpAddr> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Ports { to, .. } => Some(*to),
            _ => None,
        })
        .collect();
    targets.sort_unstable();
    targets.dedup();
    if targets.is_empty() {
        return Ok(());
    }
    let mut conntrack = open()?;
    for target in targets {
        tolerate_absence(conntrack.forget_target(target))?;
    }
    Ok(())
}

fn open() -> Result<Conntrack, ApplyError> {
    Conntrack::open().map_err(|source| ApplyError::System {
        what: "look at tracked connections",
        source,
    })
}

/// A kernel without ctnetlink (CONFIG_NF_CT_NETLINK) keeps the entries until their time is up.
fn tolerate_absence(result: Result<usize, NetlinkError>) -> Result<(), ApplyError> {
    use rustix::io::Errno;
    match result {
        Err(error) if !matches!(error.errno(), Some(Errno::INVAL | Errno::OPNOTSUPP)) => {
            Err(error.into())
        }
        _ => Ok(()),
    }
}
