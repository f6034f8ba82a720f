//! `network graph`: what the records say of networks and containers, for netsetup to draw.

use std::collections::BTreeMap;

use rbox_netsetup::graph::{Attached, Family, Graph, Kernel, State};
use rbox_netsetup::kernel::netlink::Route;
use rbox_netsetup::model::endpoint::Endpoint;
use rbox_netsetup::model::network::Network;
use rbox_netsetup::plan::{self, Step};

use super::failure::{Context, Failure};
use super::record::{Container, RunState};
use super::request::NetworkMode;
use super::{Engine, containers};

impl Engine {
    /// The wiring of these networks; of all that are in use or made by users, if none is named.
    /// Beside it, one failure for each container that is damaged.
    pub fn graph(&self, names: &[String]) -> Result<(Graph, Vec<Failure>), Failure> {
        let chosen = match names {
            [] => self
                .networks
                .list()
                .map_err(|error| Failure::new(error.to_string()))?,
            names => names
                .iter()
                .map(|name| self.network(name))
                .collect::<Result<_, _>>()?,
        };
        let survey = containers::survey(&self.dirs)?;
        let running: Vec<(&Container, &RunState)> = survey
            .containers
            .iter()
            .filter_map(|container| Some((container, container.running().ok()?)))
            .collect();
        let all: BTreeMap<String, Network> = self
            .networks
            .list()
            .map_err(|error| Failure::new(error.to_string()))?
            .into_iter()
            .map(|network| (network.name.clone(), network))
            .collect();
        let mut drawn: Vec<(Network, Vec<Attached>)> = Vec::new();
        for network in chosen {
            if drawn.iter().any(|(known, _)| known.id == network.id) {
                continue;
            }
            let attached: Vec<Attached> = running
                .iter()
                .flat_map(|(container, run)| attached(container, run, &network, &all, &running))
                .collect();
            // Host and none are worth a line only where somebody is on them.
            let idle = !network.driver.attaches() && attached.is_empty();
            if !idle || !names.is_empty() {
                drawn.push((network, attached));
            }
        }
        let mut route = Route::open().context(|| "open netlink".into())?;
        let kernel = Kernel::read(&mut route).map_err(|error| Failure::new(error.to_string()))?;
        let mut graph = Graph::new(drawn, &kernel);
        if names.is_empty() {
            graph.networks.retain(|network| {
                let bridge = network.bridge.as_ref();
                bridge.is_none_or(|bridge| bridge.state != State::NotMade)
            });
        }
        Ok((graph, survey.failures))
    }
}

/// A container's endpoint on the network, if it is on it.
fn attached(
    container: &Container,
    run: &RunState,
    network: &Network,
    all: &BTreeMap<String, Network>,
    running: &[(&Container, &RunState)],
) -> Option<Attached> {
    let endpoints = &run.sandbox.endpoints;
    let endpoint = endpoints
        .iter()
        .find(|endpoint| endpoint.network_id == network.id)?;
    let routes = default_routes(container, endpoints, all);
    let here = |ipv4: bool| {
        routes.iter().any(|step| match step {
            Step::DefaultRoute {
                ifname,
                gateway,
                gateway6,
            } => {
                *ifname == endpoint.ifname
                    && if ipv4 {
                        gateway.is_some()
                    } else {
                        gateway6.is_some()
                    }
            }
            _ => false,
        })
    };
    let mut default_route = Vec::new();
    default_route.extend(here(true).then_some(Family::Ipv4));
    default_route.extend(here(false).then_some(Family::Ipv6));
    let leads_here = default_route.first().is_some_and(|family| {
        // Ports lead to the network of the IPv4 default route, where there is one.
        *family == Family::Ipv4 || !routes.iter().any(is_ipv4)
    });
    let shared_with = running
        .iter()
        .filter(|(other, _)| {
            matches!(&other.record.host.network_mode,
                NetworkMode::Container(id) if *id == container.record.id)
        })
        .map(|(other, _)| other.record.name.clone())
        .collect();
    Some(Attached {
        endpoint: endpoint.clone(),
        namespace: run.sandbox.key.clone(),
        networks: endpoints.len(),
        shared_with,
        default_route,
        published: if leads_here {
            run.sandbox.ports.clone()
        } else {
            Vec::new()
        },
    })
}

fn is_ipv4(step: &Step) -> bool {
    matches!(
        step,
        Step::DefaultRoute {
            gateway: Some(_),
            ..
        }
    )
}

/// The default routes that the container has, as they follow from its attachments.
fn default_routes(
    container: &Container,
    endpoints: &[Endpoint],
    all: &BTreeMap<String, Network>,
) -> Vec<Step> {
    let attachments: Vec<_> = endpoints
        .iter()
        .filter_map(|endpoint| {
            let asked = container
                .record
                .networks
                .iter()
                .find(|asked| asked.network == endpoint.network);
            let priority = asked.map_or(0, |asked| asked.gw_priority);
            Some((all.get(&endpoint.network)?, endpoint, priority))
        })
        .collect();
    plan::default_route(&attachments)
}
