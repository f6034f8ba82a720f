//! Each step, done and undone.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use super::context::Context;
use super::error::ApplyError;
use super::flows::{forget_flows, lead_anew};
use super::journal::Journal;
use super::macvlan;
use super::publish::{publish, sweep_if_gone, withdraw};
use super::reconcile::ensure_bridge_of;
use crate::ipam::lease;
use crate::kernel::netlink::{InterfaceSetup, NetlinkError, Route, VethRequest};
use crate::kernel::netns;
use crate::kernel::nft::Nft;
use crate::kernel::sysctl::OwnProc;
use crate::plan::Step;
use crate::plan::step::VethStep;

/// Carries one step out. It must have been journalled.
///
/// # Errors
/// See [`ApplyError`]. What a failed step left is taken away by [`undo`].
pub fn apply(step: &Step, context: &mut Context<'_>) -> Result<(), ApplyError> {
    match step {
        // Made before anything could be planned.
        Step::Lease { .. } => Ok(()),
        Step::Bridge {
            network_record,
            bridge,
        } => ensure_bridge_of(network_record, bridge, context).map(drop),
        Step::NetnsName { path } => {
            let ns = context
                .sandbox_ns
                .ok_or(ApplyError::NoSandbox("name the sandbox"))?;
            Ok(netns::bind(ns, path)?)
        }
        Step::Veth(veth) => attach_veth(veth, context),
        Step::Parent {
            network_record,
            parent,
        } => macvlan::ensure_parent_of(network_record, parent, context),
        Step::Macvlan(step) => macvlan::attach(step, context),
        Step::DefaultRoute {
            ifname,
            gateway,
            gateway6,
        } => {
            let inside = context.inside("set the default route")?;
            let index = match inside.known_index(ifname) {
                Some(index) => index,
                None => match inside.link_index(ifname)? {
                    Some(index) => index,
                    None => return Ok(()),
                },
            };
            let gateways = [gateway.map(IpAddr::V4), gateway6.map(IpAddr::V6)];
            for gateway in gateways.into_iter().flatten() {
                tolerate_missing(inside.replace_default(index, gateway))?;
            }
            Ok(())
        }
        Step::ResolverRedirect { udp, tcp } => {
            let what = "lead port 53 to the resolver";
            let ns = context.sandbox_ns.ok_or(ApplyError::NoSandbox(what))?;
            let mut nft = Nft::open_in(ns).map_err(|source| ApplyError::System { what, source })?;
            Ok(nft.resolver_redirect(*udp, *tcp)?)
        }
        Step::Publish {
            network_run_dir,
            network_record,
            endpoint,
        } => publish(network_run_dir, network_record, endpoint),
        Step::Ports {
            ports,
            to,
            owner,
            shortcuts,
        } => {
            context.nft.ports_add(ports, *to, shortcuts, owner)?;
            lead_anew(ports, *to, context)
        }
        Step::Reach {
            ports,
            at,
            interfaces,
            owner,
        } => Ok(context.nft.reach_add(ports, *at, interfaces, owner)?),
    }
}

fn attach_veth(step: &VethStep, context: &mut Context<'_>) -> Result<(), ApplyError> {
    let what = "attach the sandbox";
    let ns = context.sandbox_ns.ok_or(ApplyError::NoSandbox(what))?;
    let request = veth_request(step, ns);
    let veth = match context.host.create_veth(&request) {
        // The host end's name is ours alone: what is there is left from an earlier life.
        Err(error) if error.is_exists() => {
            tolerate_missing(context.host.delete_link(&step.host_ifname))?;
            context.host.create_veth(&request)
        }
        other => other,
    };
    let veth = match veth {
        Ok(veth) => veth,
        Err(error) if error.is_full() => {
            return Err(ApplyError::BridgeFull(step.bridge.clone()));
        }
        Err(error) => {
            // The network may have been removed since its bridge was found.
            let gone = matches!(context.host.link_index(&step.bridge), Ok(None));
            let name = step.bridge.strip_prefix("br-").unwrap_or(&step.bridge);
            return Err(match gone {
                true => ApplyError::NetworkGone(name.to_owned()),
                false => error.into(),
            });
        }
    };
    rbox_timing::mark("veth pair made");
    {
        let _inside = netns::enter(ns).map_err(|source| ApplyError::System { what, source })?;
        set_parameters(context.parameters, &step.ifname, step.ipv6, &step.sysctls)?;
    }
    rbox_timing::mark("interface's sysctls set");
    let inside = context.inside(what)?;
    inside.configure(&InterfaceSetup {
        index: veth.peer_index,
        name: &step.ifname,
        addresses: &step.addresses,
        gateways: &[],
        mac: step.mac,
        ipv6: step.ipv6,
        arp_notify: !step
            .sysctls
            .iter()
            .any(|(key, _)| key.ends_with("/arp_notify")),
    })?;
    Ok(())
}

pub(super) fn veth_request<'a>(step: &'a VethStep, ns: BorrowedFd<'a>) -> VethRequest<'a> {
    VethRequest {
        host_name: &step.host_ifname,
        peer_name: &step.ifname,
        peer_ns: ns,
        peer_mac: step.mac,
        mtu: step.mtu,
        bridge: &step.bridge,
        isolated: step.isolated,
        hairpin: step.hairpin,
    }
}

/// The kernel parameters of a new interface, while it is down. Those that the user chose come
/// last, and so win.
pub(super) fn set_parameters(
    parameters: &OwnProc,
    ifname: &str,
    ipv6: bool,
    sysctls: &[(String, String)],
) -> Result<(), ApplyError> {
    let own = |name: &str| format!("net/ipv6/conf/{ifname}/{name}");
    if ipv6 {
        parameters.ensure(&own("disable_ipv6"), "0")?;
        // Routes come from here, not from whoever on the network says that it is a router.
        parameters.write(&own("accept_ra"), "0")?;
        parameters.write(&own("ndisc_notify"), "1")?;
    } else {
        match parameters.write(&own("disable_ipv6"), "1") {
            // A kernel without IPv6 has it disabled.
            Err(error) if error.is_missing() => {}
            other => other?,
        }
    }
    for (key, value) in sysctls {
        parameters
            .ensure(key, value)
            .map_err(|error| match error.is_missing() {
                true => ApplyError::NotASysctl(key.clone()),
                false => error.into(),
            })?;
    }
    Ok(())
}

/// Takes a step back. Harmless when repeated or when the step never happened.
///
/// # Errors
/// See [`ApplyError`].
pub fn undo(step: &Step, context: &mut Context<'_>) -> Result<(), ApplyError> {
    match step {
        Step::Lease { path, owner } => {
            lease::release(path, owner).map_err(|source| ApplyError::Lease {
                path: path.clone(),
                source,
            })
        }
        // Bridge and parent are the network's; the sandbox's own things go with its namespace.
        Step::Bridge { .. }
        | Step::Parent { .. }
        | Step::DefaultRoute { .. }
        | Step::ResolverRedirect { .. } => Ok(()),
        Step::NetnsName { path } => Ok(netns::unbind(path)?),
        Step::Veth(veth) => tolerate_missing(context.host.delete_link(&veth.host_ifname)),
        Step::Macvlan(step) => macvlan::detach(step, context),
        Step::Publish {
            network_run_dir,
            endpoint,
            ..
        } => withdraw(network_run_dir, endpoint),
        Step::Ports {
            ports,
            to,
            owner,
            shortcuts,
        } => Ok(context.nft.ports_remove(ports, *to, shortcuts, owner)?),
        Step::Reach {
            ports,
            at,
            interfaces,
            owner,
        } => Ok(context.nft.reach_remove(ports, *at, interfaces, owner)?),
    }
}

pub(super) fn tolerate_missing(result: Result<(), NetlinkError>) -> Result<(), ApplyError> {
    match result {
        Err(error) if !error.is_missing() => Err(error.into()),
        _ => Ok(()),
    }
}

/// Undoes steps backwards; goes on after errors and returns them all.
pub fn undo_steps(steps: &[Step], context: &mut Context<'_>) -> Vec<ApplyError> {
    let errors = steps
        .iter()
        .rev()
        .filter_map(|step| {
            let undone = undo(step, context);
            rbox_timing::mark_of("undone:", step.done());
            undone.err()
        })
        .collect();
    sweep_removed_networks(steps);
    errors
}

/// A start that crossed the removal of its network may have made the run directory again.
fn sweep_removed_networks(steps: &[Step]) {
    let records: Vec<&Path> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Bridge { network_record, .. }
            | Step::Parent { network_record, .. }
            | Step::Publish { network_record, .. } => Some(network_record.as_path()),
            _ => None,
        })
        .collect();
    let run_dirs = steps.iter().filter_map(|step| match step {
        Step::Lease { path, .. } => path.parent()?.parent(),
        Step::Publish {
            network_run_dir, ..
        } => Some(network_run_dir.as_path()),
        _ => None,
    });
    for run_dir in run_dirs {
        // Both are called after the network.
        let record = records
            .iter()
            .find(|record| record.file_stem() == run_dir.file_name());
        if let Some(record) = record {
            sweep_if_gone(run_dir, record);
        }
    }
}

/// Undoes a whole journal backwards, and removes it when all of it is undone. With errors it
/// stays, for the next one who looks.
///
/// A namespace that others share lives on, and what is in it with it: `shared_with` is asked for
/// paths to namespaces that may be it, only where there is something to undo in it.
pub fn undo_all(path: &Path, shared_with: &dyn Fn() -> Vec<PathBuf>) -> Vec<ApplyError> {
    let sockets = || -> io::Result<(Vec<Step>, Route, Nft)> {
        Ok((Journal::read(path)?, Route::open()?, Nft::open()?))
    };
    let (steps, mut host, mut nft) = match sockets() {
        Ok(opened) => opened,
        Err(source) => {
            return vec![ApplyError::System {
                what: "undo a journal",
                source,
            }];
        }
    };
    let mut sandbox = macvlan::sandbox_of(&steps, shared_with);
    let mut context = Context {
        host: &mut host,
        sandbox: sandbox.as_mut(),
        sandbox_ns: None,
        parameters: &OwnProc::default(),
        nft: &mut nft,
    };
    // Between the ports and the addresses: nobody is led there any more, and nobody else is
    // there yet.
    let ports: Vec<Step> = steps
        .iter()
        .filter(|step| matches!(step, Step::Ports { .. }))
        .cloned()
        .collect();
    undo_steps(&ports, &mut context);
    let flows = forget_flows(&ports).err();
    let mut errors = undo_steps(&steps, &mut context);
    errors.extend(flows);
    for step in &steps {
        if let Step::Lease { path, owner } = step
            && let Some(directory) = path.parent()
        {
            lease::sweep_drafts(directory, owner);
        }
    }
    if errors.is_empty()
        && let Err(source) = fs::remove_file(path)
        && source.kind() != io::ErrorKind::NotFound
    {
        errors.push(ApplyError::Journal {
            path: path.to_owned(),
            source,
        });
    }
    errors
}
