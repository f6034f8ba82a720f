//! Published ports: from another machine, and from the host itself at 127.0.0.1.

use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use anyhow::Result;

use crate::engine::docker;
use crate::field::{Case, Field, Need};
use crate::finding::{Better, Contender, Finding, Table, Unit};
use crate::measure::Entrant;
use crate::network::Namespace;
use crate::network::containers::Containers;
use crate::network::host::Host;
use crate::network::iperf::{self, Iperf, Load};
use crate::network::pingpong::{self, Pingpong};
use crate::network::server::Server;

/// Throughput and new connections.
pub const CASE: Case = Case {
    name: "ports",
    about: "published ports from outside and from 127.0.0.1: throughput, new connections a second",
    quick: false,
    needs: &[Need::Peers],
    run,
};

/// Connections a sample.
const CONNECTIONS: usize = 2000;

/// How many of them are opened at a time.
const AT_A_TIME: usize = 4;

/// A host's address on the cable to another machine, and that machine's.
const CABLE: [Ipv4Addr; 2] = [Ipv4Addr::new(198, 18, 0, 1), Ipv4Addr::new(198, 18, 0, 2)];

/// Of the host and of the container: where throughput is measured, and where greetings are heard.
const PORTS: [(u16, u16); 2] = [(18_000, iperf::PORT), (18_001, pingpong::PORT)];

const PROXYLESS: &str = "docker-no-proxy";

const RELAYED: &str = "rbox's relay and Docker's proxy accept such a connection and open another; \
    podman and docker-no-proxy have the kernel translate addresses, for which 127.0.0.0/8 must be \
    let out of loopback (route_localnet).";

/// A container whose ports are published. Dropped, nothing of it is left.
struct Publisher {
    host: Rc<Host>,
    /// At the other end of the host's cable.
    outside: Namespace,
    container: Namespace,
    _greeter: Server,
    _containers: Containers,
}

/// Where clients are.
#[derive(Clone, Copy)]
enum Client {
    Outside,
    Local,
}

fn run(field: &Field) -> Result<Vec<Finding>> {
    let pingpong = Pingpong::find()?;
    let mut publishers = vec![Publisher::new(Host::of(&field.rbox, field)?, &pingpong)?];
    for peer in &field.peers {
        add(field, &mut publishers, peer.name, || {
            Publisher::new(Host::of(peer, field)?, &pingpong)
        });
        if peer.name == docker::NAME {
            add(field, &mut publishers, PROXYLESS, || {
                let options = ["--userland-proxy=false"];
                let host = Host::docker(PROXYLESS, PROXYLESS, &options, field)?;
                Publisher::new(host, &pingpong)
            });
        }
    }
    let iperf = Iperf::find(field, "ports: throughput");
    let mut findings = Vec::new();
    for client in [Client::Outside, Client::Local] {
        if let Some(iperf) = &iperf {
            let contenders = throughput(field, &publishers, iperf, client)?;
            findings.push(table("throughput", Unit::Gigabits, client, contenders));
        }
        let contenders = connections(field, &publishers, &pingpong, client)?;
        findings.push(table("connections", Unit::PerSecond, client, contenders));
    }
    Ok(findings)
}

fn add(
    field: &Field,
    publishers: &mut Vec<Publisher>,
    name: &str,
    publisher: impl FnOnce() -> Result<Publisher>,
) {
    match publisher() {
        Ok(publisher) => publishers.push(publisher),
        Err(error) => field.skip(format!("ports: {name}"), format!("{error:#}")),
    }
}

impl Publisher {
    fn new(host: Host, pingpong: &Pingpong) -> Result<Publisher> {
        let outside = host.namespace.outside(CABLE[0], CABLE[1])?;
        let host = Rc::new(host);
        let containers = Containers::of(Rc::clone(&host));
        let [throughput, greetings] = PORTS.map(|(host, container)| format!("{host}:{container}"));
        let options = ["-p", &throughput, "-p", &greetings];
        let container = containers.run("bench-ports", &options)?;
        Ok(Publisher {
            host,
            outside,
            _greeter: pingpong.greet(&container)?,
            container,
            _containers: containers,
        })
    }

    /// Where a client is, and which address it knows.
    fn seen_by(&self, client: Client) -> (&Namespace, Ipv4Addr) {
        match client {
            Client::Outside => (&self.outside, CABLE[0]),
            Client::Local => (&self.host.namespace, Ipv4Addr::LOCALHOST),
        }
    }
}

fn throughput(
    field: &Field,
    publishers: &[Publisher],
    iperf: &Iperf,
    client: Client,
) -> Result<Vec<Contender>> {
    // A proxy or relay needs a processor too.
    let load = Load {
        streams: 1,
        pinned: false,
    };
    let entrants = publishers.iter().map(|publisher| {
        Entrant::new(publisher.host.name, move || {
            let (from, address) = publisher.seen_by(client);
            let to = (address.into(), PORTS[0].0);
            iperf.measure(&publisher.container, from, to, load)
        })
    });
    field.compete("ports: throughput", entrants.collect(), 7)
}

fn connections(
    field: &Field,
    publishers: &[Publisher],
    pingpong: &Pingpong,
    client: Client,
) -> Result<Vec<Contender>> {
    let entrants = publishers.iter().map(|publisher| {
        Entrant::new(publisher.host.name, move || {
            let (from, address) = publisher.seen_by(client);
            let to = SocketAddr::new(address.into(), PORTS[1].0);
            pingpong.connections(from, to, CONNECTIONS, AT_A_TIME)
        })
    });
    field.compete("ports: connections", entrants.collect(), 10)
}

fn table(what: &str, unit: Unit, client: Client, contenders: Vec<Contender>) -> Finding {
    let (place, from) = match client {
        Client::Outside => ("outside", "from another machine"),
        Client::Local => ("local", "from the host's 127.0.0.1"),
    };
    let (figure, how) = match unit {
        Unit::Gigabits => (
            "throughput",
            "iperf3, one connection; what arrived counts.".to_owned(),
        ),
        _ => (
            "new connections a second",
            format!(
                "{AT_A_TIME} at a time, {CONNECTIONS} a sample; each is opened, hears one byte \
                 and is closed by the container."
            ),
        ),
    };
    let mut notes = vec![
        how,
        "Each on a host (a network namespace) of its own, with nobody else's rules.".into(),
        format!("{PROXYLESS} is dockerd with --userland-proxy=false."),
    ];
    if let Client::Local = client {
        notes.push(RELAYED.into());
    }
    Finding::Table(Table {
        id: format!("ports-{what}-{place}"),
        title: format!("A published port {from}: {figure}"),
        unit,
        better: Better::Higher,
        contenders,
        budgets: Vec::new(),
        notes,
    })
}
