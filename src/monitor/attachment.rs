//! One attachment of a container to a network, from what was asked to the steps that make it.

use std::net::IpAddr;
use std::path::Path;

use rbox_netsetup::apply::{self, ApplyError};
use rbox_netsetup::ipam::lease::{LeaseRequest, lease_endpoint};
use rbox_netsetup::model::endpoint::{Endpoint, EndpointConfig};
use rbox_netsetup::model::endpoint_rules::wanted_ifname;
use rbox_netsetup::model::endpoint_sysctl::without_ipv6;
use rbox_netsetup::model::network::{Driver, Network as NetworkRecord};
use rbox_netsetup::plan::{self, Step};

use super::network::{Network, failure};
use crate::engine::Engine;
use crate::engine::containers;
use crate::engine::failure::Failure;
use crate::engine::names::new_id;
use crate::engine::record::Record;
use crate::engine::recover;

/// One attachment: the network, the endpoint, and what makes it.
pub struct Attachment {
    /// The network's record.
    pub network: NetworkRecord,
    /// What was asked.
    pub config: EndpointConfig,
    /// What came of it.
    pub endpoint: Endpoint,
    /// What makes it, leases included.
    pub steps: Vec<Step>,
    /// Its neighbours have been told of it.
    pub(super) announced: bool,
}

impl Attachment {
    /// On a user-defined network containers know each other by name.
    pub fn has_names(&self) -> bool {
        self.network.driver.attaches() && !self.network.is_default_bridge()
    }

    /// Its addresses, IPv4 first.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        plan::endpoint::addresses(&self.endpoint)
            .into_iter()
            .map(|(address, _)| address)
    }
}

impl Network {
    /// Leases addresses for one attachment and plans it.
    pub(super) fn plan(
        &mut self,
        engine: &Engine,
        record: &Record,
        config: &EndpointConfig,
        previous: &[IpAddr],
    ) -> Result<Attachment, Failure> {
        let networks = &engine.networks;
        let network = networks.get(&config.network).map_err(failure)?;
        let asked = config;
        let without = (network.ipv6 && has_no_ipv6(record)).then(|| without_ipv6(asked));
        let mut config = without.unwrap_or_else(|| asked.clone());
        plan::check_endpoint(&network, &config).map_err(|error| {
            Failure::new(format!(
                "invalid config for network {}: {error}",
                network.name
            ))
        })?;
        let has = |name: &str| self.attachments.iter().any(|a| a.endpoint.ifname == name);
        if let Some(name) = wanted_ifname(&config).filter(|name| has(name)) {
            return Err(Failure::new(format!(
                "invalid config for network {}: the container has an interface {name:?} already",
                network.name
            )));
        }
        if let Some(mac) = apply::inherited_mac(&network).map_err(failure)? {
            config.mac = config.mac.or(Some(mac));
            // It has room for one: not for a dead one beside this.
            for endpoint in networks.endpoints(&network).map_err(failure)? {
                if endpoint.owner != record.id
                    && containers::stays_alive(&engine.dirs, &endpoint.owner)
                {
                    return Err(failure(ApplyError::ParentTaken(endpoint.parent)));
                }
                recover::if_dead(&engine.dirs, &endpoint.owner)?;
            }
        }
        let run_dir = networks.run_dir(&network);
        // What a dead one has is not only the lease: its interface answers still.
        let alive = |owner: &str| {
            containers::stays_alive(&engine.dirs, owner)
                || recover::if_dead(&engine.dirs, owner).is_err()
        };
        let request = LeaseRequest {
            run_dir: &run_dir,
            network: &network,
            owner: &record.id,
            is_alive: &alive,
        };
        let journal = &mut self.journal;
        let mut steps = Vec::new();
        let mut before = |path: &Path| {
            let step = Step::Lease {
                path: path.to_owned(),
                owner: record.id.clone(),
            };
            steps.push(step.clone());
            journal.append(&step)
        };
        let leases = lease_endpoint(&request, &config, previous, &mut before).map_err(failure)?;
        let mut taken: Vec<&str> = self
            .attachments
            .iter()
            .map(|other| other.endpoint.ifname.as_str())
            .collect();
        // Names that later attachments ask for are not given to this one.
        taken.extend(record.networks.iter().filter_map(wanted_ifname));
        let planned = plan::endpoint(&plan::EndpointRequest {
            network: &network,
            config: &config,
            leases: &leases,
            run_dir: &run_dir,
            record: &networks.record_path(&network),
            id: new_id()?,
            owner: &record.id,
            owner_name: &record.name,
            hostname: record
                .config
                .hostname_given
                .then_some(record.config.hostname.as_str()),
            taken: &taken,
            hairpin: publishes(record) && bridged_frames_are_filtered(),
        });
        steps.extend(planned.steps);
        Ok(Attachment {
            announced: is_known(engine, &network, &config, &planned.endpoint),
            network,
            config: asked.clone(),
            endpoint: planned.endpoint,
            steps,
        })
    }
}

impl Attachment {
    /// From now on no MAC address is taken for known, if this one's was asked for. Where that cannot
    /// be noted, neighbours find out when their entry expires.
    pub(super) fn note_foreign_mac(&self, engine: &Engine) {
        if self.config.mac.is_some() {
            let _ = std::fs::write(engine.dirs.foreign_macs(), "");
        }
    }
}

/// Whether the neighbours know its MAC address already: that of an IPv4 address is always the same,
/// as long as nobody asks for another. What it would be told by goes to every port of the bridge: it
/// costs the more the more containers there are.
fn is_known(
    engine: &Engine,
    network: &NetworkRecord,
    config: &EndpointConfig,
    endpoint: &Endpoint,
) -> bool {
    network.driver == Driver::Bridge
        && !network.adopted
        && config.mac.is_none()
        && endpoint.ip6.is_none()
        && !engine.dirs.foreign_macs().exists()
}

/// Steps that other containers see.
pub fn is_public(step: &Step) -> bool {
    matches!(
        step,
        Step::Publish { .. } | Step::Ports { .. } | Step::Reach { .. }
    )
}

/// What an attachment needs inside and on its bridge.
pub fn private_steps(attachment: &Attachment) -> Vec<Step> {
    let leased = |step: &Step| matches!(step, Step::Lease { .. });
    attachment
        .steps
        .iter()
        .filter(|step| !is_public(step) && !leased(step))
        .cloned()
        .collect()
}

/// What makes an attachment known.
pub fn public_steps(attachment: &Attachment) -> Vec<Step> {
    attachment
        .steps
        .iter()
        .filter(|step| is_public(step))
        .cloned()
        .collect()
}

/// IPv6 is off in the whole sandbox, which the process's own set-up says while the network is
/// made: an address would be refused or not by who comes first.
fn has_no_ipv6(record: &Record) -> bool {
    let all = record.host.sysctls.get("net.ipv6.conf.all.disable_ipv6");
    all.is_some_and(|value| value.trim() != "0")
}

fn publishes(record: &Record) -> bool {
    !record.host.port_bindings.is_empty() || record.host.publish_all
}

/// With `bridge-nf-call-iptables` DNAT happens inside the bridge: a container
/// then reaches its own published port only through a hairpin.
fn bridged_frames_are_filtered() -> bool {
    std::fs::read("/proc/sys/net/bridge/bridge-nf-call-iptables")
        .is_ok_and(|value| value.starts_with(b"1"))
}
