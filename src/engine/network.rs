//! `network inspect`, `connect`, `disconnect`, `prune`, `rm`.

use std::collections::BTreeMap;

use rbox_netsetup::model::endpoint::{Endpoint, EndpointConfig};
use rbox_netsetup::model::network::{Driver, Network};
use serde_json::{Map, Value, json};

use super::claim::{Claim, claim};
use super::event::{Event, Kind};
use super::failure::{Context, Failure};
use super::protocol::Request;
use super::record::{Container, Record};
use super::request::NetworkMode;
use super::{Engine, connection, containers, json_file, known, recover};

impl Engine {
    /// One network in Docker's JSON.
    pub fn inspect_network(&self, name: &str) -> Result<Value, Failure> {
        let network = self.network(name)?;
        let endpoints = self
            .networks
            .endpoints(&network)
            .map_err(|error| Failure::new(error.to_string()))?;
        let live: Vec<Endpoint> = endpoints
            .into_iter()
            .filter(|endpoint| containers::is_alive(&self.dirs, &endpoint.owner))
            .collect();
        Ok(network_json(&network, &live))
    }

    /// A network by name, id or prefix.
    pub fn network(&self, name: &str) -> Result<Network, Failure> {
        self.networks.get(name).map_err(|error| {
            let failure = Failure::new(error.to_string());
            match error.is_not_found() {
                true => known::with_hint(failure, name, || self.network_names()),
                false => failure,
            }
        })
    }

    /// Attaches a container to a network, at once if it runs.
    pub fn connect(
        &self,
        network: &str,
        container: &str,
        config: &EndpointConfig,
    ) -> Result<(), Failure> {
        let network = self.network(network)?;
        let container = containers::find(&self.dirs, container)?;
        may_change(&container, &network, "connect")?;
        not_connected(&container.record, &network)?;
        let mut endpoint = config.clone();
        endpoint.network = network.name.clone();
        rbox_netsetup::plan::check_endpoint(&network, &endpoint)
            .map_err(|error| Failure::new(error.to_string()))?;
        let request = Request::Connect {
            endpoint: Box::new(endpoint.clone()),
        };
        let on_bridge = endpoint.network == "bridge";
        let id = &container.record.id;
        self.change(id, request, |record| {
            not_connected(record, &network)?;
            record.networks.push(endpoint);
            Ok(())
        })?;
        if container.run.is_some() {
            self.happened(&Event::attachment("connect", &network, id));
            if on_bridge {
                self.tell_consumers(id)?;
            }
        }
        Ok(())
    }

    /// Detaches a container from a network, at once if it runs.
    pub fn disconnect(&self, network: &str, container: &str, force: bool) -> Result<(), Failure> {
        let network = match self.network(network) {
            Ok(network) => network,
            Err(failure) if !force => return Err(failure),
            Err(failure) => return Err(failure),
        };
        let container = containers::find(&self.dirs, container)?;
        may_change(&container, &network, "disconnect")?;
        connected(&container.record, &network)?;
        let request = Request::Disconnect {
            network: network.name.clone(),
        };
        self.change(&container.record.id, request, |record| {
            connected(record, &network)?;
            record
                .networks
                .retain(|known| known.network != network.name);
            Ok(())
        })?;
        self.happened(&Event::attachment(
            "disconnect",
            &network,
            &container.record.id,
        ));
        Ok(())
    }

    /// Removes a network that no running container is attached to.
    pub fn remove_network(&self, name: &str) -> Result<(), Failure> {
        let network = self.network(name)?;
        let alive = |owner: &str| containers::is_alive(&self.dirs, owner);
        // Endpoints of dead owners are undone first, so that they do not hold it.
        recover::sweep(&self.dirs)?;
        self.networks
            .remove(&network, &alive)
            .map_err(|error| Failure::new(error.to_string()))?;
        self.happened(&Event::network("destroy", &network));
        Ok(())
    }

    /// Removes every `wanted` network that no running container is attached to; their names.
    pub fn prune_networks(
        &self,
        wanted: &dyn Fn(&Network) -> bool,
    ) -> Result<Vec<String>, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
        // Endpoints of dead owners are undone first, so that they do not hold a network.
        recover::sweep(&self.dirs)?;
        let known = self.networks.list().map_err(|error| failed(&error))?;
        let removed = self
            .networks
            .prune(wanted, &|owner| containers::is_alive(&self.dirs, owner))
            .map_err(|error| failed(&error))?;
        for network in known.iter().filter(|known| removed.contains(&known.name)) {
            self.happened(&Event::network("destroy", network));
        }
        self.happened(&Event::prune(Kind::Network, 0));
        Ok(removed)
    }

    /// Changes the attachments or links of a container: at once if it runs, and in its record.
    pub(super) fn change(
        &self,
        id: &str,
        request: Request,
        edit: impl FnOnce(&mut Record) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match claim(&self.dirs, id)? {
            Claim::Running => {
                // Ended meanwhile: the record alone counts.
                connection::ask(&self.dirs, id, request)?;
                self.edit_record(id, edit)
            }
            // Nobody starts it before the record is written.
            Claim::Ours(lock) => {
                let edited = self.edit_record(id, edit);
                let run_dir = self.dirs.run(id);
                lock.remove_dir(&run_dir)
                    .context(|| format!("remove {}", run_dir.display()))?;
                edited
            }
        }
    }

    fn edit_record(
        &self,
        id: &str,
        edit: impl FnOnce(&mut Record) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let gone = || Failure::no_such_container(id);
        let _lock = containers::lock_record(&self.dirs, id)?.ok_or_else(gone)?;
        let dir = self.dirs.container(id);
        let mut record = containers::read_record(&dir)?.ok_or_else(gone)?;
        edit(&mut record)?;
        let path = dir.join("config.json");
        json_file::write(&path, &record).context(|| format!("write {}", path.display()))
    }
}

fn is_on(record: &Record, network: &Network) -> bool {
    record
        .networks
        .iter()
        .any(|known| known.network == network.name)
}

fn not_connected(record: &Record, network: &Network) -> Result<(), Failure> {
    if !is_on(record, network) {
        return Ok(());
    }
    Err(Failure::new(format!(
        "endpoint with name {} already exists in network {}",
        record.name, network.name
    )))
}

fn connected(record: &Record, network: &Network) -> Result<(), Failure> {
    if is_on(record, network) {
        return Ok(());
    }
    Err(Failure::new(format!(
        "container {} is not connected to network {}",
        record.id, network.name
    )))
}

/// Host, none and shared namespaces exclude other networks.
fn may_change(container: &Container, network: &Network, what: &str) -> Result<(), Failure> {
    let record = &container.record;
    let refuse = |text: &str| Err(Failure::new(text));
    match (&record.host.network_mode, network.driver) {
        (NetworkMode::Container(_) | NetworkMode::Namespace(_), _) => refuse(
            "container sharing network namespace with another container or host cannot be \
             connected to any other network",
        ),
        (NetworkMode::Host, Driver::Host) if what == "disconnect" => refuse(
            "cannot disconnect container from host network - container was created in host \
             network mode",
        ),
        (NetworkMode::Host, _) => refuse(
            "container sharing network namespace with another container or host cannot be \
             connected to any other network",
        ),
        (_, Driver::Host) if what == "connect" => refuse(
            "cannot connect container to host network - container must be created in host \
             network mode",
        ),
        (_, Driver::Null) if what == "connect" && !record.networks.is_empty() => refuse(
            "container cannot be connected to multiple networks with one of the networks in \
             private (none) mode",
        ),
        (_, Driver::Bridge | Driver::Macvlan)
            if what == "connect" && record.networks.iter().any(|known| known.network == "none") =>
        {
            refuse(
                "container cannot be connected to multiple networks with one of the networks in \
                 private (none) mode",
            )
        }
        _ => Ok(()),
    }
}

/// Docker's keys in Docker's order (engine 28).
fn network_json(network: &Network, endpoints: &[Endpoint]) -> Value {
    let predefined = matches!(network.name.as_str(), "bridge" | "host" | "none");
    let pools: Vec<Value> = network
        .pools
        .iter()
        .map(|pool| {
            let mut entry = Map::new();
            entry.insert("Subnet".into(), json!(pool.subnet.to_string()));
            if let Some(range) = pool.ip_range {
                entry.insert("IPRange".into(), json!(range.to_string()));
            }
            if let Some(gateway) = pool.gateway
                && (pool.gateway_given || pool.automatic)
            {
                entry.insert("Gateway".into(), json!(gateway.to_string()));
            }
            if !pool.aux.is_empty() {
                entry.insert("AuxiliaryAddresses".into(), json!(pool.aux));
            }
            Value::Object(entry)
        })
        .collect();
    // Go prints maps sorted by key.
    let containers: BTreeMap<&str, Value> = endpoints
        .iter()
        .map(|endpoint| {
            let address = |address: Option<(std::net::IpAddr, u8)>| {
                address
                    .map(|(ip, prefix)| format!("{ip}/{prefix}"))
                    .unwrap_or_default()
            };
            let entry = json!({
                "Name": endpoint.owner_name,
                "EndpointID": endpoint.id,
                "MacAddress": endpoint.mac.map(|mac| mac.to_string()).unwrap_or_default(),
                "IPv4Address": address(endpoint.ip.map(|(ip, prefix)| (ip.into(), prefix))),
                "IPv6Address": address(endpoint.ip6.map(|(ip, prefix)| (ip.into(), prefix))),
            });
            (endpoint.owner.as_str(), entry)
        })
        .collect();
    json!({
        "Name": network.name,
        "Id": network.id,
        "Created": network.created,
        "Scope": "local",
        "Driver": network.driver.name(),
        "EnableIPv4": network.ipv4,
        "EnableIPv6": network.ipv6,
        "IPAM": {
            "Driver": "default",
            "Options": if predefined { Value::Null } else { json!(network.ipam_options) },
            "Config": if pools.is_empty() { Value::Null } else { Value::Array(pools) },
        },
        "Internal": network.internal,
        "Attachable": network.attachable,
        "Ingress": false,
        "ConfigFrom": {"Network": ""},
        "ConfigOnly": false,
        "Containers": containers,
        "Options": network.options,
        "Labels": network.labels,
    })
}
