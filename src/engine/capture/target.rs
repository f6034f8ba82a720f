//! What is captured: the interfaces of a container, from inside, or a network's bridge.

use std::os::fd::{AsFd, OwnedFd};

use rbox_netsetup::capture::{Interface, Ring, Statistics};
use rbox_netsetup::kernel::netlink::{LinkInfo, Route};
use rbox_netsetup::kernel::netns;
use rbox_netsetup::model::network::Network;
use rbox_netsetup::plan;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::{Capture, Tap, now};
use crate::engine::failure::{Context, Failure};
use crate::engine::record::Container;
use crate::engine::{Engine, containers};

impl Engine {
    /// Listens to a container's interfaces (all that are up, or those named), or else to a
    /// network's bridge (or the ports of it that are named). A container comes first where both
    /// have the name.
    pub fn capture(&self, target: &str, interfaces: &[String]) -> Result<Capture, Failure> {
        match containers::find(&self.dirs, target) {
            Ok(container) => self.of_container(&container, interfaces),
            Err(failure) if failure.message.contains("No such container") => {
                let network = self.networks.get(target).map_err(|error| {
                    if error.is_not_found() {
                        Failure::new(format!("No such container or network: {target}"))
                    } else {
                        Failure::new(error.to_string())
                    }
                })?;
                of_network(&network, interfaces)
            }
            Err(failure) => Err(failure),
        }
    }

    fn of_container(
        &self,
        container: &Container,
        interfaces: &[String],
    ) -> Result<Capture, Failure> {
        let name = &container.record.name;
        let stopped = || Failure::new(format!("container {name} is not running"));
        let run = container.running().map_err(|_| stopped())?;
        let pid = Pid::from_raw(run.pid).ok_or_else(stopped)?;
        let ended = pidfd_open(pid, PidfdFlags::empty()).map_err(|_| stopped())?;
        let namespace = netns::open_pid(run.pid).map_err(|_| stopped())?;
        // Alive now, so the pid was its own, and the namespace is.
        if !containers::is_alive(&self.dirs, &container.record.id) {
            return Err(stopped());
        }
        let subject = format!("container {name}");
        let what = || format!("enter the network namespace of {subject}");
        let _inside = netns::enter(namespace.as_fd()).context(what)?;
        let mut links = all_links()?;
        if interfaces.is_empty() {
            links.retain(|link| link.up);
        } else {
            links = named(interfaces, &links, &format!("in {subject}"))?;
        }
        listen(links, subject, Some(ended), !interfaces.is_empty())
    }
}

fn of_network(network: &Network, interfaces: &[String]) -> Result<Capture, Failure> {
    let subject = format!("network {}", network.name);
    let Some(bridge) = plan::bridge(network) else {
        return Err(
            Failure::new(format!("{subject} has no bridge to listen to"))
                .hint("name one of its containers instead"),
        );
    };
    let links = all_links()?;
    let of_bridge: Vec<LinkInfo> = links
        .iter()
        .filter(|link| link.name == bridge.name)
        .cloned()
        .collect();
    let Some(index) = of_bridge.first().map(|link| link.index) else {
        return Err(
            Failure::new(format!("bridge {} of {subject} is missing", bridge.name))
                .hint("it is made anew when a container starts on the network"),
        );
    };
    let chosen = if interfaces.is_empty() {
        of_bridge
    } else {
        let known: Vec<LinkInfo> = links
            .into_iter()
            .filter(|link| link.index == index || link.master == Some(index))
            .collect();
        named(interfaces, &known, &format!("on {subject}"))?
    };
    listen(chosen, subject, None, true)
}

fn all_links() -> Result<Vec<LinkInfo>, Failure> {
    let mut links = Route::open()
        .context(|| "open netlink".into())?
        .links()
        .map_err(|error| Failure::new(error.to_string()))?;
    links.sort_by_key(|link| link.index);
    Ok(links)
}

/// The links of these names, each once.
fn named(names: &[String], links: &[LinkInfo], place: &str) -> Result<Vec<LinkInfo>, Failure> {
    let mut chosen: Vec<LinkInfo> = Vec::new();
    for name in names {
        let Some(link) = links.iter().find(|link| link.name == *name) else {
            let known: Vec<&str> = links.iter().map(|link| link.name.as_str()).collect();
            return Err(Failure::new(format!("no interface {name} {place}"))
                .hint(format!("there are: {}", known.join(", "))));
        };
        if !chosen.contains(link) {
            chosen.push(link.clone());
        }
    }
    Ok(chosen)
}

/// Opens a ring for each link of the thread's namespace. Where the user did not name them, those
/// whose packets cannot be told are left out.
fn listen(
    links: Vec<LinkInfo>,
    subject: String,
    ended: Option<OwnedFd>,
    all: bool,
) -> Result<Capture, Failure> {
    let mut taps = Vec::new();
    let mut refused = None;
    for link in links {
        match Ring::open(&link.name, link.index) {
            Ok(ring) => taps.push(Tap {
                interface: Interface {
                    description: format!("of {subject}"),
                    name: link.name,
                    link_type: ring.link_type(),
                },
                ring: Some(ring),
                statistics: Statistics::default(),
            }),
            Err(error) if all => return Err(Failure::new(error.to_string())),
            Err(error) => refused = Some(Failure::new(error.to_string())),
        }
    }
    if taps.is_empty() {
        let none = || Failure::new(format!("{subject} has no interface that is up"));
        return Err(refused.unwrap_or_else(none));
    }
    Ok(Capture {
        taps,
        subject,
        ended,
        started: now(),
    })
}
