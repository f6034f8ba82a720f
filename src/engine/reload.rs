//! `network reload`, and what a user must know when somebody flushed the firewall.

use rbox_netsetup::foreign::Remark;
use rbox_netsetup::model::network::Network;

use super::connection::{self, Answer};
use super::dirs::Dirs;
use super::failure::Failure;
use super::protocol::Request;
use super::{Engine, containers, names, recover};

/// What was mended.
#[derive(Debug, Default)]
pub struct Reloaded {
    /// Networks, by name.
    pub networks: Vec<String>,
    /// Containers by name, with what each of them had lost.
    pub containers: Vec<(String, Vec<String>)>,
    /// What could not be mended.
    pub failures: Vec<Failure>,
}

impl Engine {
    /// Makes the kernel hold again what networks (all, when none is named) and the running
    /// containers on them have: bridges, firewall, interfaces, routes, published ports. What is
    /// there is left as it is. Goes on after failures.
    ///
    /// # Errors
    /// A network is not known; nothing was done.
    pub fn reload_networks(&self, wanted: &[String]) -> Result<Reloaded, Failure> {
        let networks: Vec<Network> = if wanted.is_empty() {
            let all = self.networks.list();
            all.map_err(|error| Failure::new(error.to_string()))?
        } else {
            let named = wanted.iter().map(|name| self.network(name));
            named.collect::<Result<_, _>>()?
        };
        let mut reloaded = Reloaded {
            failures: recover::sweep(&self.dirs)?.failures,
            ..Reloaded::default()
        };
        for network in &networks {
            match self.networks.reload(network) {
                Ok(true) => reloaded.networks.push(network.name.clone()),
                Ok(false) => {}
                Err(error) => reloaded.failures.push(Failure::new(error.to_string())),
            }
        }
        for id in names::ids(&self.dirs.run_containers())? {
            // One that is just starting makes all it has itself.
            let Some(run) = containers::run_state(&self.dirs, &id) else {
                continue;
            };
            let endpoints = &run.sandbox.endpoints;
            let on = |network: &Network| {
                let same = |id: &String| *id == network.id;
                endpoints.iter().any(|endpoint| same(&endpoint.network_id))
            };
            if !networks.iter().any(on) {
                continue;
            }
            let name = endpoints
                .first()
                .map_or(&id, |endpoint| &endpoint.owner_name);
            match connection::ask(&self.dirs, &id, Request::Reload) {
                Ok(Some(Answer::Mended(parts))) if !parts.is_empty() => {
                    reloaded.containers.push((name.clone(), parts));
                }
                Ok(_) => {}
                Err(failure) => reloaded.failures.push(failure),
            }
        }
        Ok(reloaded)
    }

    /// What a user should know of what was noticed while a network was made.
    pub fn notices(&self, remarks: &[Remark]) -> Vec<Failure> {
        notices(&self.dirs, "", remarks)
    }
}

/// The same for the start of the container `id`. That our table is gone concerns only others:
/// after a start of the machine it is always so.
pub fn notices(dirs: &Dirs, id: &str, remarks: &[Remark]) -> Vec<Failure> {
    let others = || {
        let ids = names::ids(&dirs.run_containers()).unwrap_or_default();
        ids.iter()
            .any(|other| other != id && containers::is_alive(dirs, other))
    };
    remarks
        .iter()
        .filter(|remark| **remark != Remark::TableMade || others())
        .map(|remark| Failure::new(remark.to_string()).hint(remark.hint()))
        .collect()
}
