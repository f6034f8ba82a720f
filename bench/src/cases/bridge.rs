//! From one container to another over a bridge, against the same bridge made by hand.

use anyhow::Result;

use crate::field::{Case, Field, Need};
use crate::finding::{Better, Budget, Finding, Limit, Table, Unit};
use crate::measure::Entrant;
use crate::network::host::Host;
use crate::network::iperf::{self, Iperf, Load};
use crate::network::pair::{BY_HAND, Pair};
use crate::network::pingpong::{Pingpong, Transport};
use crate::network::server::Server;

/// Throughput and round trips.
pub const CASE: Case = Case {
    name: "bridge",
    about: "throughput and round trips between two containers, and over a bridge made by hand",
    quick: true,
    needs: &[Need::Peers],
    run,
};

/// Round trips a sample.
const ROUND_TRIPS: usize = 10_000;

const ROUNDS: usize = 10;

fn run(field: &Field) -> Result<Vec<Finding>> {
    let pairs = pairs(field)?;
    let pingpong = Pingpong::find()?;
    let iperf = Iperf::find(field, "bridge: throughput");
    let echoes = pairs.iter().map(|pair| pingpong.echo(&pair.server));
    let _echoes: Vec<Server> = echoes.collect::<Result<_>>()?;
    let mut findings = Vec::new();
    for host in [Hosts::Plain, Hosts::Filtering] {
        let filter = matches!(host, Hosts::Filtering);
        if filter && field.quick {
            break;
        }
        let able = pairs.iter().map(|pair| pair.filter(filter));
        let able = able
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .all(|able| able);
        if filter && !able {
            field.skip(
                "bridge: with filtered frames",
                "the kernel has no br_netfilter",
            );
            break;
        }
        if let Some(iperf) = &iperf {
            findings.push(throughput(field, &pairs, iperf, host, 1)?);
            if !field.quick && !filter {
                findings.push(throughput(field, &pairs, iperf, host, 4)?);
            }
        }
        let transports = [Transport::Tcp, Transport::Udp];
        for transport in transports.into_iter().take(if field.quick { 1 } else { 2 }) {
            findings.push(round_trips(field, &pairs, &pingpong, host, transport)?);
        }
    }
    Ok(findings)
}

/// What all hosts are like.
#[derive(Clone, Copy)]
enum Hosts {
    /// Frames between a bridge's ports pass no firewall.
    Plain,
    /// They pass the host's (br_netfilter).
    Filtering,
}

/// Ours first, then the one made by hand, then the others.
fn pairs(field: &Field) -> Result<Vec<Pair>> {
    let mut pairs = vec![Pair::of(Host::of(&field.rbox, field)?)?, Pair::by_hand()?];
    for peer in &field.peers {
        match Host::of(peer, field).and_then(Pair::of) {
            Ok(pair) => pairs.push(pair),
            Err(error) => field.skip(format!("bridge: {}", peer.name), format!("{error:#}")),
        }
    }
    Ok(pairs)
}

fn throughput(
    field: &Field,
    pairs: &[Pair],
    iperf: &Iperf,
    hosts: Hosts,
    streams: u32,
) -> Result<Finding> {
    let load = Load {
        streams,
        pinned: true,
    };
    let entrants = pairs.iter().map(|pair| {
        Entrant::new(pair.name, move || {
            let to = (pair.address, iperf::PORT);
            iperf.measure(&pair.server, &pair.client, to, load)
        })
    });
    let connections = match streams {
        1 => "one TCP connection".to_owned(),
        _ => format!("{streams} TCP connections side by side"),
    };
    let budget = Budget {
        says: "at least 0.98 of the same bridge made by hand".into(),
        limit: Limit::RatioAtLeast {
            of: field.rbox.name.into(),
            to: BY_HAND.into(),
            limit: 0.98,
        },
    };
    Ok(Finding::Table(Table {
        id: format!("bridge-throughput-{streams}{}", hosts.suffix()),
        title: format!("{}: {connections}", hosts.title()),
        unit: Unit::Gigabits,
        better: Better::Higher,
        contenders: field.compete("bridge", entrants.collect(), ROUNDS)?,
        budgets: match hosts {
            Hosts::Plain => vec![budget],
            Hosts::Filtering => Vec::new(),
        },
        notes: vec![
            "iperf3, client and server on a processor each; what arrived counts.".into(),
            hosts.note().into(),
        ],
    }))
}

fn round_trips(
    field: &Field,
    pairs: &[Pair],
    pingpong: &Pingpong,
    hosts: Hosts,
    transport: Transport,
) -> Result<Finding> {
    let entrants = pairs.iter().map(|pair| {
        Entrant::new(pair.name, move || {
            pingpong.round_trip(&pair.client, transport, pair.address, ROUND_TRIPS)
        })
    });
    let (id, what) = match transport {
        Transport::Tcp => ("tcp", "TCP"),
        Transport::Udp => ("udp", "UDP"),
    };
    Ok(Finding::Table(Table {
        id: format!("bridge-latency-{id}{}", hosts.suffix()),
        title: format!("{}: a byte there and back, {what}", hosts.title()),
        unit: Unit::Microseconds,
        better: Better::Lower,
        contenders: field.compete("bridge", entrants.collect(), ROUNDS)?,
        budgets: Vec::new(),
        notes: vec![
            format!(
                "A sample is the median of {ROUND_TRIPS} round trips; the two ends are on a \
                 processor each."
            ),
            hosts.note().into(),
        ],
    }))
}

impl Hosts {
    fn suffix(self) -> &'static str {
        match self {
            Hosts::Plain => "",
            Hosts::Filtering => "-filtered",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Hosts::Plain => "Container to container over a bridge",
            Hosts::Filtering => "The same through the host's firewall",
        }
    }

    fn note(self) -> &'static str {
        match self {
            Hosts::Plain => {
                "Each on a host (a network namespace) of its own, with nobody else's rules, and \
                 with br_netfilter off for all. By hand: two veth pairs and a bridge with the \
                 engines' MTU, and no rules at all."
            }
            Hosts::Filtering => {
                "Each on a host of its own, with br_netfilter on for all: so it is wherever Docker \
                 has been started. By hand there are no rules and no connections are tracked, so \
                 that this is the price of each engine's rules."
            }
        }
    }
}
