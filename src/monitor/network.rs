//! A container's sandbox while its monitor lives: endpoints, resolver, ports.
//!
//! ```text
//!  prepare  leases addresses and plans, before the process exists
//!  build    names the namespace, carries the plan out in it
//!  publish  ports, names: all that others see, before the program runs
//!  serve    resolver and relay, on the event loop
//!  release  takes back what others wait for; finish, the rest
//! ```

use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rbox_netsetup::apply::{self, ApplyError, Journal};
use rbox_netsetup::kernel::netns::{self, BindError};
use rbox_netsetup::model::sandbox::Sandbox;
use rbox_netsetup::plan::{self, Step};
use rbox_netsetup::relay::BoundPort;
use rbox_netsetup::resolver::{ResolverConfig, Sockets};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::attachment::{Attachment, is_public, private_steps, public_steps};
use super::kernel::Kernel;
use super::patience::wait_for;
use super::ports;
use crate::engine::Engine;
use crate::engine::adopted;
use crate::engine::containers;
use crate::engine::failure::{Context, Failure};
use crate::engine::names::new_id;
use crate::engine::record::Record;
use crate::engine::recover::netns_path;
use crate::engine::request::NetworkMode;

/// Docker's prefix for what goes wrong with a container's network.
pub const PREFIX: &str = "failed to set up container networking: ";

/// A failure of the network, in Docker's words.
pub fn failure(error: impl std::fmt::Display) -> Failure {
    Failure::new(format!("{PREFIX}{error}"))
}

/// The sandbox of one container.
pub struct Network {
    pub(super) journal: Journal,
    pub(super) sandbox: Sandbox,
    pub(super) attachments: Vec<Attachment>,
    /// Default routes as they were set last.
    routes: Vec<Step>,
    pub(super) namespace: Option<Arc<OwnedFd>>,
    pub(super) kernel: Option<Kernel>,
    pub(super) sockets: Option<Sockets>,
    pub(super) resolver: Option<watch::Sender<ResolverConfig>>,
    pub(super) bound: Vec<BoundPort>,
    /// Where the firewall leads published ports.
    pub(super) led_to: Vec<ports::Lead>,
    /// Address that the relay leads to.
    pub(super) target: Option<watch::Sender<IpAddr>>,
    pub(super) relay: Option<JoinHandle<()>>,
    pub(super) tasks: Vec<JoinHandle<()>>,
    /// Makes the bridge whose address `host-gateway` is, where that is asked for.
    host_gateway: Option<Step>,
    /// Ports and names are still ours.
    published: bool,
    owned: bool,
    dns_none: bool,
}

impl Network {
    /// Leases the addresses and plans; nothing but lease files is made.
    pub fn prepare(
        engine: &Engine,
        record: &Record,
        previous: &[IpAddr],
    ) -> Result<Network, Failure> {
        let path = engine.dirs.run(&record.id).join("journal");
        let journal = Journal::open(&path).context(|| format!("open {}", path.display()))?;
        Network::with_journal(engine, record, previous, journal)
    }

    /// The same with a journal somewhere else.
    pub fn with_journal(
        engine: &Engine,
        record: &Record,
        previous: &[IpAddr],
        journal: Journal,
    ) -> Result<Network, Failure> {
        let key = match &record.host.network_mode {
            NetworkMode::Container(id) => shared_key(engine, id)?,
            NetworkMode::Host => "/proc/1/ns/net".to_owned(),
            NetworkMode::Namespace(path) => {
                adopted::open(path)?;
                path.to_string_lossy().into_owned()
            }
            _ => netns_path(&record.name).to_string_lossy().into_owned(),
        };
        let mut network = Network {
            journal,
            sandbox: Sandbox {
                id: new_id()?,
                key,
                ..Sandbox::default()
            },
            attachments: Vec::new(),
            routes: Vec::new(),
            namespace: None,
            kernel: None,
            sockets: None,
            resolver: None,
            bound: Vec::new(),
            led_to: Vec::new(),
            target: None,
            relay: None,
            tasks: Vec::new(),
            host_gateway: None,
            published: true,
            owned: record.owns_network_namespace(),
            dns_none: record.host.dns_none,
        };
        if record
            .host
            .extra_hosts
            .iter()
            .any(|(_, address)| address == "host-gateway")
        {
            let bridge = engine.networks.get("bridge").map_err(failure)?;
            network.host_gateway = plan::bridge(&bridge).map(|step| Step::Bridge {
                network_record: engine.networks.record_path(&bridge),
                bridge: step,
            });
        }
        for config in &record.networks {
            let attachment = network.plan(engine, record, config, previous)?;
            network.attachments.push(attachment);
        }
        Ok(network)
    }

    /// An existing namespace that the process joins.
    pub fn namespace_path(&self) -> Option<PathBuf> {
        let shared = !self.owned && self.attachments.is_empty();
        shared.then(|| PathBuf::from(&self.sandbox.key))
    }

    /// Addresses of the container, in the order of its interfaces.
    pub fn addresses(&self) -> Vec<IpAddr> {
        self.attachments
            .iter()
            .flat_map(Attachment::addresses)
            .collect()
    }

    /// The networks that it is attached to.
    pub fn networks(&self) -> impl Iterator<Item = &rbox_netsetup::model::network::Network> {
        self.attachments
            .iter()
            .map(|attachment| &attachment.network)
    }

    /// The sandbox has the embedded resolver: it is on a user-defined network.
    pub fn has_resolver(&self) -> bool {
        !self.dns_none && self.attachments.iter().any(Attachment::has_names)
    }

    /// What inspect and `ps` show.
    pub fn sandbox(&self) -> Sandbox {
        let mut sandbox = self.sandbox.clone();
        sandbox.endpoints = self
            .attachments
            .iter()
            .map(|attachment| attachment.endpoint.clone())
            .collect();
        sandbox
    }

    /// Makes the sandbox in the process's new namespace. Names come later.
    pub fn build(&mut self, pid: i32) -> Result<(), Failure> {
        let mut kernel = Kernel::open().map_err(failure)?;
        if self.owned {
            let namespace = Arc::new(netns::open_pid(pid).map_err(failure)?);
            kernel.open_sandbox(&namespace).map_err(failure)?;
            self.namespace = Some(namespace);
        }
        self.kernel = Some(kernel);
        rbox_timing::mark("netlink sockets opened");
        if let Some(step) = self.host_gateway.take() {
            self.carry_out(&[step])?;
        }
        if !self.owned {
            return Ok(());
        }
        self.name_namespace(Path::new(&self.sandbox.key.clone()))?;
        for index in 0..self.attachments.len() {
            let steps = private_steps(&self.attachments[index]);
            self.carry_out(&steps)?;
        }
        if self
            .attachments
            .iter()
            .all(|attachment| attachment.endpoint.mac.is_none())
            && let Some(kernel) = &mut self.kernel
        {
            kernel.context().sandbox_up().map_err(failure)?;
        }
        self.route()?;
        self.announce();
        rbox_timing::mark("address announced");
        if self.has_resolver() {
            self.open_resolver()?;
        }
        Ok(())
    }

    /// What [`Network::build`] and [`Network::publish`] would carry out, in their order, after the
    /// leases. Ports are bound for as long as this lives.
    pub fn rehearse(&mut self, engine: &Engine, record: &Record) -> Result<Rehearsal, Failure> {
        let mut steps: Vec<Step> = self.attachments.iter().flat_map(leases).collect();
        steps.extend(self.host_gateway.clone());
        if self.owned {
            steps.push(Step::NetnsName {
                path: PathBuf::from(&self.sandbox.key),
            });
            steps.extend(self.attachments.iter().flat_map(private_steps));
            steps.extend(self.default_routes());
            if self.has_resolver() {
                // The kernel gives the ports when the sockets are made.
                steps.push(Step::ResolverRedirect { udp: 0, tcp: 0 });
            }
        }
        steps.extend(ports::plan(self, engine, record)?);
        steps.extend(self.attachments.iter().flat_map(public_steps));
        let loopback_alone = self.owned
            && self
                .attachments
                .iter()
                .all(|attachment| attachment.endpoint.mac.is_none());
        Ok(Rehearsal {
            steps,
            loopback_alone,
        })
    }

    /// Publishes ports and names. After this the container can be found.
    pub fn publish(&mut self, engine: &Engine, record: &Record) -> Result<(), Failure> {
        ports::publish(self, engine, record)?;
        for index in 0..self.attachments.len() {
            self.attachments[index].note_foreign_mac(engine);
            let steps = public_steps(&self.attachments[index]);
            self.carry_out(&steps)?;
        }
        Ok(())
    }

    /// Names the sandbox's namespace. A container that had the name before ours has
    /// it still may be ending: what others wait for, it gave back first.
    pub(super) fn name_namespace(&mut self, path: &Path) -> Result<(), Failure> {
        // Looked for before it is journalled: what is another's must not be undone.
        wait_for(|| path.symlink_metadata().is_err().then_some(()))
            .ok_or_else(|| failure(BindError::Exists(path.to_owned())))?;
        self.carry_out(&[Step::NetnsName {
            path: path.to_owned(),
        }])
    }

    /// Journals and applies.
    pub(super) fn carry_out(&mut self, steps: &[Step]) -> Result<(), Failure> {
        let Some(kernel) = &mut self.kernel else {
            return Err(failure("the sandbox is not built"));
        };
        let mut context = kernel.context();
        for step in steps {
            let done = self.journal.apply(step, &mut context);
            done.map_err(|error| in_the_way(&self.attachments, error))?;
        }
        Ok(())
    }

    /// Undoes steps, the last one first; goes on after errors.
    /// False when something could not be undone; it is in the journal still.
    pub(super) fn take_back(&mut self, steps: &[Step]) -> bool {
        let Some(kernel) = &mut self.kernel else {
            return true;
        };
        apply::undo_steps(steps, &mut kernel.context()).is_empty()
    }

    /// Undoes steps for good while the container runs on: its end must not undo
    /// them once more, when what they name is another's by then.
    pub(super) fn give_up(&mut self, steps: &[Step]) {
        if self.take_back(steps) {
            // The journal names more than there is, which is harmless but for that.
            let _ = self.journal.forget(steps);
        }
    }

    /// Points the default routes where they belong now, if that is elsewhere than before.
    pub(super) fn route(&mut self) -> Result<(), Failure> {
        let wanted = self.default_routes();
        if wanted == self.routes {
            return Ok(());
        }
        let before = std::mem::take(&mut self.routes);
        // Otherwise the journal would have a line more for every connect and disconnect.
        self.give_up(&before);
        self.carry_out(&wanted)?;
        self.routes = wanted;
        Ok(())
    }

    /// The default routes that follow from all attachments.
    pub(super) fn default_routes(&self) -> Vec<Step> {
        let attachments: Vec<_> = self
            .attachments
            .iter()
            .map(|a| (&a.network, &a.endpoint, a.config.gw_priority))
            .collect();
        plan::default_route(&attachments)
    }

    /// Gives back what other containers may be waiting for: ports, names. A relay that
    /// is returned still has the ports, until it is done.
    pub fn release(&mut self) -> Option<JoinHandle<()>> {
        for task in self.tasks.drain(..) {
            task.abort();
        }
        let first: Vec<Step> = self.steps().into_iter().filter(is_public).collect();
        self.published = !self.take_back(&first);
        self.bound.clear();
        self.target = None;
        self.relay.take()
    }

    /// Undoes everything; false when something could not be undone, or is not known
    /// from a journal that somebody damaged.
    pub fn finish(&mut self) -> bool {
        if self.published {
            drop(self.release());
        }
        self.namespace = None;
        let all = self.steps();
        let (addresses, rest): (Vec<Step>, Vec<Step>) = all
            .iter()
            .filter(|step| !is_public(step))
            .cloned()
            .partition(|step| matches!(step, Step::Lease { .. } | Step::Bridge { .. }));
        let readable = !Journal::is_damaged(self.journal.path()).unwrap_or(true);
        // Ports lead there no more, and nobody else has the addresses yet. The kernel looks
        // through all its connections, which takes it as long as deleting an interface does,
        // so both are done at once. Where it fails, connections end by their time limits.
        let undone = std::thread::scope(|scope| {
            if all.iter().any(|step| matches!(step, Step::Ports { .. })) {
                let forget = || apply::forget_flows(&all);
                let _ = std::thread::Builder::new().spawn_scoped(scope, forget);
            }
            self.take_back(&rest)
        });
        self.take_back(&addresses) && undone && !self.published && readable
    }

    /// All that was done, from the journal.
    fn steps(&self) -> Vec<Step> {
        self.journal.steps().unwrap_or_default()
    }
}

/// What a step failed of; a network that has no room is named.
fn in_the_way(attachments: &[Attachment], error: ApplyError) -> Failure {
    let ApplyError::BridgeFull(bridge) = &error else {
        return failure(error);
    };
    let mut networks = attachments.iter();
    let network = networks.find(|attachment| attachment.endpoint.bridge == *bridge);
    let name = network.map_or("", |attachment| attachment.network.name.as_str());
    failure(format!("network {name} is full: {error}"))
        .hint("put the container on another network: `rbox network create`")
}

/// What a start would carry out.
pub struct Rehearsal {
    /// In order.
    pub steps: Vec<Step>,
    /// The sandbox has nothing else, so that loopback is raised by itself.
    pub loopback_alone: bool,
}

fn leases(attachment: &Attachment) -> Vec<Step> {
    let leased = |step: &&Step| matches!(step, Step::Lease { .. });
    attachment.steps.iter().filter(leased).cloned().collect()
}

/// The namespace of the container whose network is shared.
fn shared_key(engine: &Engine, id: &str) -> Result<String, Failure> {
    let prefix = "joining network namespace of container: ";
    let other = containers::find(&engine.dirs, id)
        .map_err(|failure| Failure::new(format!("{prefix}{failure}")))?;
    match other.running() {
        Ok(run) => Ok(format!("/proc/{}/ns/net", run.pid)),
        Err(_) => Err(Failure::new(format!(
            "cannot join network namespace of a non running container: container {} is {}",
            other.record.name,
            other.status()
        ))),
    }
}
