//! Macvlan networks: the parent that a network has, and the interfaces on it.
//!
//! The interface is made from the host, straight into the sandbox, and is nowhere to be seen on
//! the host. So it is deleted in the sandbox. A namespace that nobody is in any more takes it along,
//! but later: its address, and a parent in mode passthru, are taken until then, and nothing on the
//! host tells when that is.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::context::Context;
use super::error::ApplyError;
use super::run::{set_parameters, tolerate_missing};
use crate::kernel::netlink::{InterfaceSetup, MacvlanRequest, NetlinkError, Route};
use crate::kernel::netns;
use crate::model::endpoint::Endpoint;
use crate::model::mac::Mac;
use crate::model::macvlan_options::MacvlanMode;
use crate::model::network::Network;
use crate::plan::Step;
use crate::plan::endpoint::addresses;
use crate::plan::macvlan::parent;
use crate::plan::step::{MacvlanStep, MadeParent, ParentStep};

/// Longer than the kernel takes to clean a namespace up.
const GOING: Duration = Duration::from_secs(2);

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(2);

/// Makes a parent of rbox's own where it is missing. Several may do so at once.
///
/// # Errors
/// The kernel has no such interfaces, or the one that a VLAN is of is missing or down.
pub fn ensure_parent(step: &ParentStep, host: &mut Route) -> Result<(), ApplyError> {
    let Some(made) = &step.made else {
        return Ok(());
    };
    let link = match host.link(&step.name)? {
        Some(link) => Some(link),
        None => {
            match create_parent(&step.name, made, host) {
                Err(ApplyError::Netlink(error)) if error.is_exists() => {}
                other => other?,
            }
            host.link(&step.name)?
        }
    };
    let link = link.ok_or_else(|| ApplyError::NoParent(step.name.clone()))?;
    if !link.up {
        host.set_up(link.index)?;
    }
    Ok(())
}

fn create_parent(name: &str, made: &MadeParent, host: &mut Route) -> Result<(), ApplyError> {
    let result = match made {
        MadeParent::Vlan(vlan) => {
            let lower = host
                .link_index(&vlan.lower)?
                .ok_or_else(|| ApplyError::NoParent(vlan.lower.clone()))?;
            host.create_vlan(name, lower, vlan.id)
        }
        MadeParent::Apart => host.create_sink(name),
    };
    result.map_err(|error| match error.errno() {
        Some(Errno::OPNOTSUPP) => ApplyError::NoSuchKind {
            name: name.to_owned(),
            kind: match made {
                MadeParent::Vlan(_) => "VLANs (module 8021q)",
                MadeParent::Apart => "interfaces of the kinds dummy and ifb",
            },
        },
        _ => error.into(),
    })
}

/// The same for a container that starts: if the network is removed at the same time, nothing
/// stays of what was made for it.
pub(super) fn ensure_parent_of(
    network_record: &Path,
    step: &ParentStep,
    context: &mut Context<'_>,
) -> Result<(), ApplyError> {
    let made = ensure_parent(step, context.host);
    // Removal deletes the parent before the record and once more after it.
    match fs::symlink_metadata(network_record) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let _ = remove_parent(step, context.host);
            let name = network_record.file_stem().unwrap_or_default();
            Err(ApplyError::NetworkGone(name.to_string_lossy().into_owned()))
        }
        _ => made,
    }
}

/// Deletes a parent of rbox's own. Harmless when it is gone, or is another kind of interface.
///
/// # Errors
/// The kernel refuses.
pub fn remove_parent(step: &ParentStep, host: &mut Route) -> Result<(), ApplyError> {
    let Some(made) = &step.made else {
        return Ok(());
    };
    let kinds: &[&str] = match made {
        MadeParent::Vlan(_) => &["vlan"],
        MadeParent::Apart => &["dummy", "ifb"],
    };
    match host.link(&step.name)? {
        Some(link) if kinds.contains(&link.kind.as_str()) => {
            tolerate_missing(host.delete_link(&step.name))
        }
        _ => Ok(()),
    }
}

/// The address that a container's interface on this network has whatever is asked for: in mode
/// passthru it is the parent itself on the wire. `None` in all other cases.
///
/// # Errors
/// The parent is missing.
pub fn inherited_mac(network: &Network) -> Result<Option<Mac>, ApplyError> {
    let Some(parent) = parent(network) else {
        return Ok(None);
    };
    if network.macvlan_options().mode != MacvlanMode::Passthru {
        return Ok(None);
    }
    let mut host = Route::open().map_err(|source| ApplyError::System {
        what: "look at the parent interface",
        source,
    })?;
    ensure_parent(&parent, &mut host)?;
    let link = host.link(&parent.name)?;
    let link = link.ok_or(ApplyError::NoParent(parent.name))?;
    Ok(link.mac)
}

pub(super) fn attach(step: &MacvlanStep, context: &mut Context<'_>) -> Result<(), ApplyError> {
    let what = "attach the sandbox";
    let ns = context.sandbox_ns.ok_or(ApplyError::NoSandbox(what))?;
    let parent = context
        .host
        .link_index(&step.parent)?
        .ok_or_else(|| ApplyError::NoParent(step.parent.clone()))?;
    let request = MacvlanRequest {
        parent,
        name: &step.ifname,
        ns,
        mode: step.mode,
        mac: step.mac,
        mtu: step.mtu,
    };
    let taken = |error: &NetlinkError| {
        step.mode == MacvlanMode::Passthru && error.errno() == Some(Errno::INVAL)
    };
    unless_dying(taken, || context.host.create_macvlan(&request))
        .map_err(|error| refused(step, error))?;
    {
        let _inside = netns::enter(ns).map_err(|source| ApplyError::System { what, source })?;
        set_parameters(context.parameters, &step.ifname, step.ipv6, &step.sysctls)?;
    }
    let inside = context.inside(what)?;
    let link = inside.link(&step.ifname)?;
    let link = link.ok_or_else(|| ApplyError::NoParent(step.parent.clone()))?;
    if link.mac != Some(step.mac) {
        inside.set_mac(link.index, step.mac)?;
    }
    let setup = InterfaceSetup {
        index: link.index,
        name: &step.ifname,
        addresses: &step.addresses,
        gateways: &[],
        mac: step.mac,
        ipv6: step.ipv6,
        arp_notify: !step
            .sysctls
            .iter()
            .any(|(key, _)| key.ends_with("/arp_notify")),
    };
    match inside.configure(&setup) {
        // Everything but that it is up.
        Err(error) if is_address_taken(&error) => {
            unless_dying(is_address_taken, || inside.set_up(link.index))?;
        }
        other => other?,
    }
    Ok(())
}

/// An interface of the same parent has the same hardware address.
fn is_address_taken(error: &NetlinkError) -> bool {
    error.errno() == Some(Errno::ADDRINUSE)
}

/// Tries again while what is in the way may be the interface of a namespace that is going: that of
/// a container whose monitor was killed a moment ago.
fn unless_dying<T>(
    in_the_way: impl Fn(&NetlinkError) -> bool,
    mut attempt: impl FnMut() -> Result<T, NetlinkError>,
) -> Result<T, NetlinkError> {
    let end = Instant::now() + GOING;
    loop {
        match attempt() {
            Err(error) if in_the_way(&error) && Instant::now() < end => {
                std::thread::sleep(PAUSE);
            }
            other => return other,
        }
    }
}

fn refused(step: &MacvlanStep, error: NetlinkError) -> ApplyError {
    match error.errno() {
        // The kernel says no more than that.
        Some(Errno::INVAL) if step.mode == MacvlanMode::Passthru => {
            ApplyError::ParentTaken(step.parent.clone())
        }
        _ => ApplyError::MacvlanPort(error),
    }
}

/// The one of these namespaces that has the interface of a macvlan step.
pub(super) fn sandbox_of(steps: &[Step], shared_with: &dyn Fn() -> Vec<PathBuf>) -> Option<Route> {
    let interfaces: Vec<&MacvlanStep> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Macvlan(interface) => Some(interface),
            _ => None,
        })
        .collect();
    if interfaces.is_empty() {
        return None;
    }
    shared_with().iter().find_map(|path| {
        let ns = netns::open_path(path).ok()?;
        let mut route = Route::open_in(ns.as_fd()).ok()?;
        let has = |step: &&MacvlanStep| {
            let link = route.link(&step.ifname).ok().flatten();
            link.is_some_and(|link| link.mac == Some(step.mac))
        };
        interfaces.iter().any(has).then_some(route)
    })
}

/// Deletes the interface where the sandbox is still to be had.
pub(super) fn detach(step: &MacvlanStep, context: &mut Context<'_>) -> Result<(), ApplyError> {
    let Some(inside) = context.sandbox.as_deref_mut() else {
        return Ok(());
    };
    match inside.link(&step.ifname)? {
        Some(link) if link.kind == "macvlan" => tolerate_missing(inside.delete_link(&step.ifname)),
        _ => Ok(()),
    }
}

/// The interface of an endpoint, as far as undoing needs it; `None` on other networks.
pub(super) fn interface_of(endpoint: &Endpoint) -> Option<MacvlanStep> {
    (!endpoint.parent.is_empty()).then(|| MacvlanStep {
        parent: endpoint.parent.clone(),
        mode: MacvlanMode::default(),
        ifname: endpoint.ifname.clone(),
        mac: endpoint.mac.unwrap_or(Mac([0; 6])),
        mtu: None,
        addresses: addresses(endpoint),
        ipv6: endpoint.ip6.is_some(),
        sysctls: Vec::new(),
    })
}
