//! Makes the kernel know a network as its record says, whatever it knew before: after a reboot,
//! after somebody deleted the bridge or flushed the firewall.

use std::fs;
use std::io;
use std::path::Path;

use super::context::Context;
use super::error::ApplyError;
use super::run::tolerate_missing;
use crate::foreign::{self, Remark};
use crate::kernel::netlink::LINK_LOCAL;
use crate::kernel::sysctl;
use crate::plan::step::BridgeStep;

/// Makes the bridge, its addresses and its firewall elements where they are missing, and what
/// other firewalls must know of it; true when something was missing. Several may do so at once:
/// every part tolerates that it is there.
///
/// # Errors
/// See [`ApplyError`].
pub fn ensure_bridge(step: &BridgeStep, context: &mut Context<'_>) -> Result<bool, ApplyError> {
    let (link, forwarding) = context.host.link_and_forwarding(&step.name)?;
    if link.as_ref().is_some_and(|link| link.kind != "bridge") {
        return Err(ApplyError::NotABridge(step.name.clone()));
    }
    // Before the bridge carries anything.
    let table_made = context.nft.ensure_table()?;
    if table_made {
        context.nft.remark(Remark::TableMade);
    }
    let mut changed = context.nft.network_add(step)?;
    let new = link.is_none() || table_made || changed;
    if !step.internal {
        sysctl::ensure_forwarding(forwarding, step.ipv6)?;
    }
    let ours = link.as_ref().is_none_or(|link| link.mac == Some(step.mac));
    let (index, up) = match link {
        Some(link) => (link.index, link.up),
        None => (create(step, context)?, true),
    };
    let present = context.host.addresses_of(index)?;
    // That of `create_bridge`; flushing takes it along.
    let link_local = (LINK_LOCAL.into(), 64);
    let addresses = step
        .addresses
        .iter()
        .chain((ours && step.ipv6).then_some(&link_local));
    for (address, prefix) in addresses {
        let known = present
            .iter()
            .any(|info| info.address == *address && info.prefix == *prefix);
        if known {
            continue;
        }
        if address.is_ipv6() {
            sysctl::ensure(&format!("net/ipv6/conf/{}/disable_ipv6", step.name), "0")?;
        }
        match context
            .host
            .add_address(index, *address, *prefix, true, true)
        {
            Err(error) if !error.is_exists() => return Err(error.into()),
            _ => changed = true,
        }
    }
    if !up {
        context.host.set_up(index)?;
        changed = true;
    }
    let let_in = foreign::let_in(step, new, context)?;
    Ok(changed || new || let_in)
}

fn create(step: &BridgeStep, context: &mut Context<'_>) -> Result<u32, ApplyError> {
    match context.host.create_bridge(&step.name, step.mac, step.mtu) {
        Err(error) if error.is_exists() => match context.host.link_index(&step.name)? {
            Some(index) => Ok(index),
            None => Err(error.into()),
        },
        other => {
            let index = other?;
            // A container is no router of the host's: without this one could become its default
            // route by a router advertisement.
            match sysctl::write(&format!("net/ipv6/conf/{}/accept_ra", step.name), "0") {
                Err(error) if !error.is_missing() => Err(error.into()),
                _ => Ok(index),
            }
        }
    }
}

/// The same for a container that starts: if the network is removed at the same time, nothing
/// stays of what was made for it.
pub(super) fn ensure_bridge_of(
    network_record: &Path,
    step: &BridgeStep,
    context: &mut Context<'_>,
) -> Result<bool, ApplyError> {
    let made = ensure_bridge(step, context);
    // Removal deletes the bridge before the record and once more after it; so either it deletes
    // what was made here, or the record is found gone here.
    match fs::symlink_metadata(network_record) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let ours = context
                .host
                .link(&step.name)?
                .is_some_and(|l| l.mac == Some(step.mac));
            let _ = remove_bridge(step, !ours, context);
            let name = network_record.file_stem().unwrap_or_default();
            Err(ApplyError::NetworkGone(name.to_string_lossy().into_owned()))
        }
        _ => made,
    }
}

/// Deletes the firewall elements and the bridge; of an adopted bridge only the addresses.
/// Harmless when they are gone.
///
/// # Errors
/// See [`ApplyError`].
pub fn remove_bridge(
    step: &BridgeStep,
    adopted: bool,
    context: &mut Context<'_>,
) -> Result<(), ApplyError> {
    let link = context
        .host
        .link(&step.name)?
        .filter(|link| link.kind == "bridge");
    if let Some(link) = link {
        if adopted {
            for (address, prefix) in &step.addresses {
                tolerate_missing(context.host.delete_address(link.index, *address, *prefix))?;
            }
        } else {
            tolerate_missing(context.host.delete_link(&step.name))?;
        }
    }
    context.nft.network_remove(&step.name)?;
    Ok(foreign::leave(&step.name, context.nft)?)
}
