//! Idle containers, for others to work in their namespaces.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::{Context as _, Result};

use super::Namespace;
use super::host::Host;

/// On one host. Dropped, they and their network are gone.
pub struct Containers {
    /// Where they are.
    pub host: Rc<Host>,
    network: Option<&'static str>,
    names: RefCell<Vec<String>>,
}

impl Containers {
    /// On a network that is made for them.
    pub fn on_a_network(host: Rc<Host>, network: &'static str) -> Result<Containers> {
        host.quiet(&["network", "create", network])?;
        Ok(Containers {
            host,
            network: Some(network),
            names: RefCell::default(),
        })
    }

    /// On the default network.
    pub fn of(host: Rc<Host>) -> Containers {
        Containers {
            host,
            network: None,
            names: RefCell::default(),
        }
    }

    /// One more, with further options; its network.
    pub fn run(&self, name: &str, options: &[&str]) -> Result<Namespace> {
        Namespace::of(self.start(name, options)?)
    }

    /// One more; its process.
    pub fn start(&self, name: &str, options: &[&str]) -> Result<i32> {
        self.names.borrow_mut().push(name.to_owned());
        let mut words = vec!["run", "-d", "--name", name];
        words.extend(
            self.network
                .iter()
                .flat_map(|network| ["--network", network]),
        );
        words.extend(options);
        // At the end nobody waits for it: as the first process sleep hears nothing else.
        words.extend(["--stop-signal", "KILL", "alpine", "sleep", "1000000"]);
        self.host.quiet(&words)?;
        let pid = self
            .host
            .quiet(&["inspect", "-f", "{{.State.Pid}}", name])?;
        pid.parse()
            .with_context(|| format!("{}: {name} has process {pid}", self.host.name))
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        let names = self.names.take();
        let containers = names.iter().map(|name| vec!["rm", "-f", name]);
        let network = self.network.map(|network| vec!["network", "rm", network]);
        for words in containers.chain(network) {
            if let Err(error) = self.host.quiet(&words) {
                eprintln!("{} leaves something behind: {error:#}", self.host.name);
            }
        }
    }
}
