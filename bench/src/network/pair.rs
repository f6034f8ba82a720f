//! Two machines on one bridge: an engine's containers, or namespaces wired by hand.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context as _, Result};

use super::Namespace;
use crate::engine::Engine;

/// On the bridge made by hand.
const HAND: [Ipv4Addr; 2] = [Ipv4Addr::new(198, 19, 0, 2), Ipv4Addr::new(198, 19, 0, 3)];

/// One that asks and one that answers. Dropped, nothing of it is left.
#[derive(Debug)]
pub struct Pair {
    /// As in tables.
    pub name: String,
    /// Where clients run.
    pub client: Namespace,
    /// Where servers do.
    pub server: Namespace,
    /// Of the server.
    pub address: IpAddr,
    /// What holds the bridge, or makes the containers go.
    _host: Host,
}

#[derive(Debug)]
enum Host {
    Hand { _namespace: Namespace },
    Engine { _containers: Containers },
}

impl Pair {
    /// Two veth pairs into a bridge, in namespaces without any firewall.
    pub fn by_hand() -> Result<Pair> {
        let host = Namespace::new()?;
        let (client, server) = (Namespace::new()?, Namespace::new()?);
        host.bridge("hand0")?;
        for (machine, address) in [&client, &server].into_iter().zip(HAND) {
            host.attach("hand0", machine, address)?;
        }
        Ok(Pair {
            name: "by hand".into(),
            client,
            server,
            address: HAND[1].into(),
            _host: Host::Hand { _namespace: host },
        })
    }

    /// Two containers on a network of their own.
    pub fn of(engine: &Engine) -> Result<Pair> {
        let containers = Containers::on_a_network(engine, "bench-pair")?;
        let client = containers.run("bench-pair-client", &[])?;
        let server = containers.run("bench-pair-server", &[])?;
        Ok(Pair {
            name: engine.name.into(),
            address: server.address()?.into(),
            client,
            server,
            _host: Host::Engine {
                _containers: containers,
            },
        })
    }
}

/// Idle containers of an engine, and their network. Dropped, both are gone.
#[derive(Debug)]
pub struct Containers {
    engine: Engine,
    network: Option<&'static str>,
    names: std::cell::RefCell<Vec<String>>,
}

impl Containers {
    /// On a network that is made for them.
    pub fn on_a_network(engine: &Engine, network: &'static str) -> Result<Containers> {
        let containers = Containers {
            engine: engine.clone(),
            network: Some(network),
            names: Default::default(),
        };
        engine.quiet(&["network", "create", network])?;
        Ok(containers)
    }

    /// On the default network.
    pub fn of(engine: &Engine) -> Containers {
        Containers {
            engine: engine.clone(),
            network: None,
            names: Default::default(),
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
        words.extend(["alpine", "sleep", "1000000"]);
        self.engine.quiet(&words)?;
        let pid = ["inspect", "-f", "{{.State.Pid}}", name];
        let pid = self.engine.quiet(&pid)?;
        pid.parse()
            .with_context(|| format!("{}: {name} has process {pid}", self.engine.name))
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        for name in self.names.borrow().iter() {
            if let Err(error) = self.engine.quiet(&["rm", "-f", name]) {
                eprintln!("left behind: {error:#}");
            }
        }
        if let Some(network) = self.network
            && let Err(error) = self.engine.quiet(&["network", "rm", network])
        {
            eprintln!("left behind: {error:#}");
        }
    }
}
