//! Beside other engines and firewalls: what must be said to them so that they let our traffic
//! pass, and nothing else. Their tables, policies and rules are theirs (docs/beside-others.md).
//!
//! ```text
//! chain DOCKER-USER, ufw-user-forward   one constant rule      kernel::nft, ways_in
//! firewalld                             zone trusted, by D-Bus   firewalld
//! any other policy `drop`               a warning                policy
//! ```
//!
//! Every start looks, in one round trip; where nobody else filters that is all.

pub mod firewalld;
mod policy;
mod remark;
mod uplinks;

use std::fs;
use std::path::Path;

use crate::apply::{ApplyError, Context};
use crate::kernel::netlink::Route;
use crate::kernel::nft::{Nft, NftError, Others};
use crate::plan::step::BridgeStep;
use crate::store::DEFAULT_BRIDGE_INTERFACE;

pub use remark::Remark;

/// Lets a bridge's traffic through the firewalls of others; true when something was missing.
/// What cannot be arranged is a [`Remark`], not an error: the network is there all the same.
///
/// `new`: the bridge or our table was just made. Only then is looked for policies that nobody
/// lets us past.
///
/// # Errors
/// The kernel refuses.
pub fn let_in(
    bridge: &BridgeStep,
    new: bool,
    context: &mut Context<'_>,
) -> Result<bool, ApplyError> {
    let others = context.nft.others()?;
    let mut changed = false;
    for way in &others.ways_in {
        changed |= context.nft.way_in_add(*way)?;
    }
    if !others.ways_in.is_empty() && (changed || new) {
        changed |= find_uplinks(context)?;
    }
    if others.firewalld {
        match firewalld::trust(&bridge.name) {
            Ok(news) => changed |= news,
            Err(error) => context.nft.remark(Remark::Firewalld {
                bridge: bridge.name.clone(),
                reason: error.to_string(),
            }),
        }
    }
    if new {
        for remark in policies(context.nft, bridge, &others)? {
            context.nft.remark(remark);
        }
    }
    Ok(changed)
}

/// Takes back what was said to others about a bridge that is gone. What cannot be taken back is
/// theirs to forget: firewalld does at its next restart.
///
/// # Errors
/// The kernel refuses.
pub fn leave(bridge: &str, nft: &mut Nft) -> Result<(), NftError> {
    if nft.others()?.firewalld {
        let _ = firewalld::forget(bridge);
    }
    Ok(())
}

/// Takes our rule out of the chains of others when nobody needs it any more: there is no network
/// but the default one, and no container has an address there (`leases` is its directory).
///
/// A container that starts meanwhile leases first and then looks for the rule; so either it
/// does not find it, or its lease is found here after the rule was taken out.
///
/// # Errors
/// The kernel refuses.
pub fn retire(leases: &Path, nft: &mut Nft) -> Result<(), NftError> {
    let others = nft.others()?;
    let idle = || fs::read_dir(leases).map_or(true, |mut entries| entries.next().is_none());
    if others.ways_in.is_empty() || !idle() {
        return Ok(());
    }
    nft.ways_in_remove_unused(&others, DEFAULT_BRIDGE_INTERFACE)?;
    if !idle() {
        for way in &others.ways_in {
            nft.way_in_add(*way)?;
        }
    }
    Ok(())
}

/// For a host whose own bridges changed: looks again which of them lead out; true when that was
/// news.
///
/// # Errors
/// The kernel refuses.
pub fn look_again(context: &mut Context<'_>) -> Result<bool, ApplyError> {
    if context.nft.others()?.ways_in.is_empty() {
        return Ok(false);
    }
    find_uplinks(context)
}

/// Makes the table know the foreign bridges that lead out; true when that was news.
fn find_uplinks(context: &mut Context<'_>) -> Result<bool, ApplyError> {
    let ours: Vec<String> = context
        .nft
        .networks()?
        .into_iter()
        .map(|network| network.bridge)
        .collect();
    let found = outward(context.host, &ours)?;
    Ok(context.nft.uplinks_set(&found)?)
}

fn outward(host: &mut Route, ours: &[String]) -> Result<Vec<String>, ApplyError> {
    let links = host.links()?;
    let routes = host.route_table()?;
    Ok(uplinks::among(&links, &routes, ours))
}

/// A firewall of somebody else's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wall {
    /// It keeps a place for others: `chain ip DOCKER-USER`, `firewalld`.
    LetsIn(String),
    /// It drops what it does not know.
    Drops(Remark),
}

/// Looks for the firewalls of others that containers' packets meet; changes nothing.
///
/// # Errors
/// The kernel refuses.
pub fn look(nft: &mut Nft) -> Result<Vec<Wall>, NftError> {
    let others = nft.others()?;
    let mut walls: Vec<Wall> = others
        .ways_in
        .iter()
        .map(|way| Wall::LetsIn(format!("chain {} {}", way.family(), way.chain())))
        .collect();
    if others.firewalld {
        walls.push(Wall::LetsIn("firewalld".to_owned()));
    }
    for chain in nft.dropping_chains()? {
        let bridge = DEFAULT_BRIDGE_INTERFACE;
        if !policy::is_arranged(&chain, &others) && !nft.table_knows(&chain, bridge)? {
            walls.push(Wall::Drops(Remark::Policy {
                chain,
                bridge: bridge.to_owned(),
            }));
        }
    }
    Ok(walls)
}

fn policies(nft: &mut Nft, bridge: &BridgeStep, others: &Others) -> Result<Vec<Remark>, NftError> {
    let mut remarks = Vec::new();
    for chain in nft.dropping_chains()? {
        if policy::concerns(&chain, bridge, others) && !nft.table_knows(&chain, &bridge.name)? {
            remarks.push(Remark::Policy {
                chain,
                bridge: bridge.name.clone(),
            });
        }
    }
    Ok(remarks)
}
