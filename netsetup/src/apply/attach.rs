//! One attachment from beginning to end, and its opposite: for starts and for containers that
//! run (`network connect`, `network disconnect`).

use std::net::IpAddr;
use std::path::Path;

use super::context::Context;
use super::error::ApplyError;
use super::journal::Journal;
use super::run::{undo, undo_steps};
use crate::ipam::lease::{self, LeaseError, LeaseRequest, lease_endpoint};
use crate::model::endpoint::{Endpoint, EndpointConfig};
use crate::model::network::Network;
use crate::plan::endpoint::addresses;
use crate::plan::step::VethStep;
use crate::plan::{self, EndpointRequest, Step};

/// An attachment of a sandbox with its `gw-priority`.
pub type Attached<'a> = (&'a Network, &'a Endpoint, i32);

/// Everything about one attachment to be made.
pub struct AttachRequest<'a> {
    /// Network, run directory and owner.
    pub lease: LeaseRequest<'a>,
    /// What the user asked for.
    pub config: &'a EndpointConfig,
    /// Addresses that the owner had before; it gets them again if they are free.
    pub previous: &'a [IpAddr],
    /// The network's record.
    pub record: &'a Path,
    /// Id of the endpoint to be, 64 hexadecimal digits.
    pub id: String,
    /// Name of the container.
    pub owner_name: &'a str,
    /// Its hostname if it was given.
    pub hostname: Option<&'a str>,
    /// See [`VethStep::hairpin`].
    pub hairpin: bool,
    /// The attachments that the sandbox has.
    pub others: &'a [Attached<'a>],
}

/// Everything about one attachment to be taken back.
#[derive(Clone, Copy)]
pub struct DetachRequest<'a> {
    /// The endpoint.
    pub endpoint: &'a Endpoint,
    /// The network's run directory.
    pub run_dir: &'a Path,
    /// The attachments that remain.
    pub others: &'a [Attached<'a>],
}

/// An attachment was not made; nothing is left of it.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// No address.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// A step failed.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

/// Leases addresses, makes the endpoint, points the default route where it belongs now and
/// publishes the names. Every step is in the journal before it is tried.
///
/// # Errors
/// See [`AttachError`].
pub fn attach(
    request: &AttachRequest<'_>,
    journal: &mut Journal,
    context: &mut Context<'_>,
) -> Result<Endpoint, AttachError> {
    let LeaseRequest {
        network,
        run_dir,
        owner,
        ..
    } = request.lease;
    let mut before = |path: &Path| {
        journal.append(&Step::Lease {
            path: path.to_owned(),
            owner: owner.to_owned(),
        })
    };
    let leases = lease_endpoint(
        &request.lease,
        request.config,
        request.previous,
        &mut before,
    )?;
    let mut done: Vec<Step> = leases
        .iter()
        .map(|lease| Step::Lease {
            path: lease.path.clone(),
            owner: owner.to_owned(),
        })
        .collect();
    let taken: Vec<&str> = request
        .others
        .iter()
        .map(|(_, endpoint, _)| endpoint.ifname.as_str())
        .collect();
    let planned = plan::endpoint(&EndpointRequest {
        network,
        config: request.config,
        leases: &leases,
        run_dir,
        record: request.record,
        id: request.id.clone(),
        owner,
        owner_name: request.owner_name,
        hostname: request.hostname,
        taken: &taken,
        hairpin: request.hairpin,
    });
    let mut all = request.others.to_vec();
    all.push((network, &planned.endpoint, request.config.gw_priority));
    let mut steps = planned.steps.clone();
    // Names come last: who resolves them finds a working endpoint.
    let published = steps.len().saturating_sub(1);
    steps.splice(published..published, plan::default_route(&all));
    for step in steps {
        let result = journal.apply(&step, context);
        done.push(step);
        if let Err(error) = result {
            // The first error is the one to report; undo is repeated with the journal.
            undo_steps(&done, context);
            // The veth took its routes along.
            for step in plan::default_route(request.others) {
                let _ = super::run::apply(&step, context);
            }
            return Err(error.into());
        }
    }
    Ok(planned.endpoint)
}

/// Takes an attachment back: names first, then the interface, then the addresses; the default
/// route goes where it belongs now. Goes on after errors and returns them all.
pub fn detach(
    request: &DetachRequest<'_>,
    journal: &mut Journal,
    context: &mut Context<'_>,
) -> Vec<ApplyError> {
    let DetachRequest {
        endpoint,
        run_dir,
        others,
    } = *request;
    let mut errors = Vec::new();
    errors.extend(super::publish::withdraw(run_dir, endpoint).err());
    if !endpoint.host_ifname.is_empty() {
        errors.extend(undo(&Step::Veth(veth_of(endpoint)), context).err());
    }
    if let Some(interface) = super::macvlan::interface_of(endpoint) {
        errors.extend(undo(&Step::Macvlan(interface), context).err());
    }
    for (address, _) in addresses(endpoint) {
        let path = run_dir.join(lease::DIRECTORY).join(address.to_string());
        let step = Step::Lease {
            path,
            owner: endpoint.owner.clone(),
        };
        errors.extend(undo(&step, context).err());
    }
    for step in plan::default_route(others) {
        errors.extend(journal.apply(&step, context).err());
    }
    errors
}

/// The pair of an endpoint, as far as undoing needs it.
pub(super) fn veth_of(endpoint: &Endpoint) -> VethStep {
    VethStep {
        host_ifname: endpoint.host_ifname.clone(),
        ifname: endpoint.ifname.clone(),
        bridge: endpoint.bridge.clone(),
        mac: endpoint.mac.unwrap_or(crate::model::mac::Mac([0; 6])),
        mtu: endpoint.mtu,
        addresses: addresses(endpoint),
        isolated: false,
        ipv6: endpoint.ip6.is_some(),
        hairpin: false,
        sysctls: Vec::new(),
    }
}
