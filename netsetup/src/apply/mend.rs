//! Makes again what a step had made and somebody took away. What is there is left as it is: live
//! connections are not disturbed.

use super::context::Context;
use super::error::ApplyError;
use super::reconcile::ensure_bridge_of;
use super::run::{apply, veth_request};
use crate::kernel::nft::Nft;
use crate::plan::Step;
use crate::plan::step::VethStep;

/// What of a step was missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mended {
    /// All was well.
    Nothing,
    /// Something; it is there again.
    Repaired,
    /// The whole interface: what was made on it later must be made again, too.
    Remade,
}

/// Looks whether what the step made is there, and makes it again if not. For steps of a sandbox
/// that runs; leases and names are files, and not looked at.
///
/// # Errors
/// See [`ApplyError`].
pub fn mend(step: &Step, context: &mut Context<'_>) -> Result<Mended, ApplyError> {
    let repaired = match step {
        Step::Bridge {
            network_record,
            bridge,
        } => ensure_bridge_of(network_record, bridge, context)?,
        Step::Veth(veth) => return mend_veth(step, veth, context),
        Step::NetnsName { path } => !path.exists() && apply(step, context).map(|()| true)?,
        Step::DefaultRoute {
            gateway, gateway6, ..
        } => {
            let table = context
                .inside("look for the default route")?
                .route_table()?;
            let missing = |ipv6: bool| {
                !table.iter().any(|route| {
                    let net = route.destination;
                    net.prefix_len() == 0 && net.addr().is_ipv6() == ipv6
                })
            };
            let gone = gateway.is_some() && missing(false) || gateway6.is_some() && missing(true);
            gone && apply(step, context).map(|()| true)?
        }
        Step::ResolverRedirect { .. } => {
            let what = "look for the resolver's rules";
            let ns = context.sandbox_ns.ok_or(ApplyError::NoSandbox(what))?;
            let mut nft = Nft::open_in(ns).map_err(|source| ApplyError::System { what, source })?;
            !nft.resolver_redirected()? && apply(step, context).map(|()| true)?
        }
        Step::Ports {
            ports,
            to,
            owner,
            shortcuts,
        } => {
            let firewall = &mut *context.nft;
            !firewall.ports_present(ports, *to, shortcuts, owner)?
                && apply(step, context).map(|()| true)?
        }
        Step::Reach {
            ports,
            at,
            interfaces,
            owner,
        } => {
            let firewall = &mut *context.nft;
            !firewall.reach_present(ports, *at, interfaces, owner)?
                && apply(step, context).map(|()| true)?
        }
        // Files, and what is made anew with the interface.
        _ => false,
    };
    Ok(if repaired {
        Mended::Repaired
    } else {
        Mended::Nothing
    })
}

fn mend_veth(
    step: &Step,
    veth: &VethStep,
    context: &mut Context<'_>,
) -> Result<Mended, ApplyError> {
    let Some(host) = context.host.link(&veth.host_ifname)? else {
        apply(step, context)?;
        return Ok(Mended::Remade);
    };
    let bridge = context.host.link_index(&veth.bridge)?;
    match bridge {
        Some(bridge) if host.master != Some(bridge) || !host.up => {
            let what = "look for the sandbox's interface";
            let ns = context.sandbox_ns.ok_or(ApplyError::NoSandbox(what))?;
            let request = veth_request(veth, ns);
            context.host.join_bridge(host.index, bridge, &request)?;
            Ok(Mended::Repaired)
        }
        _ => Ok(Mended::Nothing),
    }
}
