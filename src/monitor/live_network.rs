//! What happens to a sandbox while its container runs: the resolver and the
//! relay are served, networks come and go, the container gets another name.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::path::PathBuf;

use rbox_netsetup::apply;
use rbox_netsetup::files::hosts::{self, own_line};
use rbox_netsetup::model::endpoint::EndpointConfig;
use rbox_netsetup::plan::Step;
use rbox_netsetup::relay;
use rbox_netsetup::resolver::{self, ResolverConfig, Upstream, Zone};
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_local};

use super::attachment::{Attachment, private_steps, public_steps};
use super::network::{Network, PREFIX, failure};
use super::{files, ports};
use crate::engine::failure::{Context, Failure};
use crate::engine::record::{Record, short};
use crate::engine::recover::netns_path;
use crate::engine::{Engine, links};

impl Network {
    /// Serves resolver and ports on the event loop.
    pub fn serve(&mut self, engine: &Engine, record: &Record) {
        self.serve_resolver(engine, record);
        self.serve_ports();
    }

    /// Relays what is bound and not relayed yet.
    pub(super) fn serve_ports(&mut self) {
        if let (false, Some(target)) = (self.bound.is_empty(), &self.target) {
            let bound = std::mem::take(&mut self.bound);
            let target = target.subscribe();
            let earlier = self.relay.take();
            // All end with the sender of the target.
            self.relay = Some(spawn_local(async move {
                relay::serve_following(bound, target).await;
                if let Some(earlier) = earlier {
                    let _ = earlier.await;
                }
            }));
        }
    }

    /// Tells the neighbours of attachments about them, once each, before the process can speak:
    /// the kernel forgets then what the interface knows of its neighbours, and a packet that
    /// waited for an answer would be lost. What cannot be said, they find out when their old
    /// entry expires.
    pub(super) fn announce(&mut self) {
        let Some(kernel) = &mut self.kernel else {
            return;
        };
        for attachment in self.attachments.iter_mut().filter(|a| !a.announced) {
            attachment.announced =
                apply::announce(&attachment.endpoint, &mut kernel.context()).unwrap_or(true);
        }
    }

    /// A relay whose ports were given up; it has them until it is done.
    pub fn closing_relay(&mut self) -> Option<JoinHandle<()>> {
        match self.target {
            None => self.relay.take(),
            Some(_) => None,
        }
    }

    fn serve_resolver(&mut self, engine: &Engine, record: &Record) {
        let Some(sockets) = self.sockets.take() else {
            return;
        };
        let (sender, receiver) = watch::channel(self.resolver_config(engine, record));
        self.resolver = Some(sender);
        self.tasks.push(spawn_local(async move {
            resolver::serve(sockets, receiver).await;
        }));
    }

    /// Makes the resolver's sockets in the sandbox and leads port 53 to them.
    pub(super) fn open_resolver(&mut self) -> Result<(), Failure> {
        let Some(namespace) = self.namespace.clone() else {
            return Ok(());
        };
        let sockets = resolver::bind(namespace.as_fd()).map_err(failure)?;
        rbox_timing::mark("resolver's sockets bound");
        let step = Step::ResolverRedirect {
            udp: sockets.udp_port(),
            tcp: sockets.tcp_port(),
        };
        self.sockets = Some(sockets);
        self.carry_out(&[step])
    }

    fn resolver_config(&self, engine: &Engine, record: &Record) -> ResolverConfig {
        let named: Vec<_> = self
            .attachments
            .iter()
            .filter(|attachment| attachment.has_names())
            .collect();
        let links = named
            .iter()
            .flat_map(|attachment| {
                attachment.config.links.iter().map(|(target, alias)| {
                    (
                        alias.clone(),
                        target.clone(),
                        attachment.network.name.clone(),
                    )
                })
            })
            .collect();
        ResolverConfig {
            networks: named
                .iter()
                .map(|attachment| Zone {
                    name: attachment.network.name.clone(),
                    hosts_path: engine.networks.run_dir(&attachment.network).join("hosts"),
                })
                .collect(),
            links,
            upstreams: files::upstreams(&record.host)
                .iter()
                .map(|server| Upstream {
                    addr: SocketAddr::new(server.ip, 53),
                    from_sandbox: !server.from_host,
                })
                .collect(),
            forward: self
                .attachments
                .iter()
                .any(|attachment| !attachment.network.internal),
            host_conf: files::followed(&record.host),
            sandbox_ns: self.namespace.clone(),
        }
    }

    /// `network connect` on a running container.
    pub fn connect(
        &mut self,
        engine: &Engine,
        record: &Record,
        config: &EndpointConfig,
    ) -> Result<(), Failure> {
        let known = |attachment: &&Attachment| attachment.config.network == config.network;
        if let Some(attachment) = self.attachments.iter().find(known) {
            return Err(Failure::new(format!(
                "endpoint with name {} already exists in network {}",
                record.name, attachment.network.name
            )));
        }
        let had_resolver = self.has_resolver();
        let attachment = self
            .plan(engine, record, config, &[])
            .map_err(of_a_running_one)?;
        let steps = attachment.steps.clone();
        let network = attachment.network.name.clone();
        self.attachments.push(attachment);
        let done = self.join(engine, record, had_resolver);
        if done.is_err() {
            self.attachments
                .retain(|attachment| attachment.network.name != network);
            self.give_up(&steps);
            let _ = self.settle(engine, record);
        }
        done.map_err(of_a_running_one)
    }

    /// The last attachment becomes real, then known.
    fn join(
        &mut self,
        engine: &Engine,
        record: &Record,
        had_resolver: bool,
    ) -> Result<(), Failure> {
        let Some(attachment) = self.attachments.last() else {
            return Ok(());
        };
        let (private, public) = (private_steps(attachment), public_steps(attachment));
        let lines = own_lines(self, record, self.attachments.len() - 1);
        attachment.note_foreign_mac(engine);
        self.carry_out(&private)?;
        self.announce();
        if self.has_resolver() && !had_resolver && self.resolver.is_none() {
            self.open_resolver()?;
            self.serve_resolver(engine, record);
            let path = engine.dirs.container(&record.id).join("resolv.conf");
            files::put(&path, &files::resolv_text(record, self))?;
        }
        edit_hosts(engine, record, |text| hosts::add_lines(text, &lines))?;
        self.settle(engine, record)?;
        self.carry_out(&public)
    }

    /// `network disconnect` on a running container.
    pub fn disconnect(
        &mut self,
        engine: &Engine,
        record: &Record,
        name: &str,
    ) -> Result<(), Failure> {
        let Some(index) = self
            .attachments
            .iter()
            .position(|attachment| attachment.network.name == name)
        else {
            return Err(Failure::new(format!(
                "container {} is not connected to network {name}",
                record.id
            )));
        };
        let lines = own_lines(self, record, index);
        let attachment = self.attachments.remove(index);
        self.give_up(&attachment.steps);
        edit_hosts(engine, record, |text| hosts::remove_lines(text, &lines))?;
        self.settle(engine, record)
    }

    /// What follows from the set of attachments: routes, ports, names.
    fn settle(&mut self, engine: &Engine, record: &Record) -> Result<(), Failure> {
        self.route()?;
        ports::retarget(self, engine, record)?;
        if let Some(resolver) = &self.resolver {
            resolver.send_replace(self.resolver_config(engine, record));
        }
        Ok(())
    }

    /// The container's name changed: its networks know it by the new one.
    pub fn renamed(&mut self, record: &Record) -> Result<(), Failure> {
        for index in 0..self.attachments.len() {
            let attachment = &mut self.attachments[index];
            let old = std::mem::replace(&mut attachment.endpoint.owner_name, record.name.clone());
            for known in &mut attachment.endpoint.dns_names {
                if *known == old {
                    known.clone_from(&record.name);
                }
            }
            let endpoint = attachment.endpoint.clone();
            for step in &mut attachment.steps {
                if let Step::Publish {
                    endpoint: published,
                    ..
                } = step
                {
                    **published = endpoint.clone();
                }
            }
            let steps = public_steps(attachment);
            self.carry_out(&steps)?;
        }
        let new = netns_path(&record.name);
        if self.namespace.is_some() && self.sandbox.key != new.to_string_lossy() {
            let old = Step::NetnsName {
                path: PathBuf::from(&self.sandbox.key),
            };
            self.name_namespace(&new)?;
            self.give_up(&[old]);
            self.sandbox.key = new.to_string_lossy().into_owned();
        }
        Ok(())
    }
}

/// Docker's prefix is for starts alone.
fn of_a_running_one(mut failure: Failure) -> Failure {
    if let Some(reason) = failure.message.strip_prefix(PREFIX) {
        failure.message = reason.to_owned();
    }
    failure
}

/// The lines that one attachment has in the container's hosts file.
fn own_lines(network: &Network, record: &Record, index: usize) -> Vec<String> {
    network
        .attachments
        .get(index)
        .map_or_else(Vec::new, |attachment| {
            attachment
                .addresses()
                .map(|ip| own_line(ip, &record.config.hostname, &record.config.domainname))
                .collect()
        })
}

/// Writes down where the containers are that this one links to.
pub fn relink(engine: &Engine, record: &Record) -> Result<(), Failure> {
    let running = links::running(&engine.dirs, record);
    edit_hosts(engine, record, |text| hosts::move_links(text, &running))
}

/// Takes the line of a link out.
pub fn unlink(engine: &Engine, record: &Record, link: &str) -> Result<(), Failure> {
    let (source, alias) = links::parts(link);
    edit_hosts(engine, record, |text| {
        hosts::remove_link(text, alias, short(source))
    })
}

/// Changes the file in place: the container has it mounted.
fn edit_hosts(
    engine: &Engine,
    record: &Record,
    edit: impl FnOnce(&str) -> String,
) -> Result<(), Failure> {
    let path = engine.dirs.container(&record.id).join("hosts");
    let text = std::fs::read_to_string(&path).context(|| format!("read {}", path.display()))?;
    files::put(&path, &edit(&text))
}
