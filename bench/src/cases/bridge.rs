//! From one container to another over a bridge, against the same bridge made by hand.

use anyhow::Result;

use crate::field::{Case, Field};
use crate::finding::{Better, Budget, Finding, Limit, Table, Unit};
use crate::measure::{Entrant, take_turns};
use crate::network::iperf::{Iperf, Load};
use crate::network::pair::Pair;
use crate::network::pingpong::{Pingpong, Transport};
use crate::network::server::Server;

/// Throughput and round trips.
pub const CASE: Case = Case {
    name: "bridge",
    about: "throughput and round trips between two containers, and over a bridge made by hand",
    quick: true,
    run,
};

/// Round trips a sample.
const ROUND_TRIPS: usize = 10_000;

fn run(field: &Field) -> Result<Vec<Finding>> {
    let pairs = pairs(field)?;
    let mut findings = Vec::new();
    if let Some(iperf) = Iperf::find(field, "bridge throughput") {
        findings.push(throughput(field, &pairs, &iperf, 1)?);
        if !field.quick {
            findings.push(throughput(field, &pairs, &iperf, 4)?);
        }
    }
    let pingpong = Pingpong::find()?;
    let echoes = pairs.iter().map(|pair| pingpong.echo(&pair.server));
    let _echoes: Vec<Server> = echoes.collect::<Result<_>>()?;
    for transport in [Transport::Tcp, Transport::Udp] {
        findings.push(round_trips(field, &pairs, &pingpong, transport)?);
    }
    Ok(findings)
}

/// Ours first, then the one made by hand, then the others.
fn pairs(field: &Field) -> Result<Vec<Pair>> {
    let mut pairs = vec![Pair::of(&field.rbox)?, Pair::by_hand()?];
    for peer in &field.peers {
        match Pair::of(peer) {
            Ok(pair) => pairs.push(pair),
            Err(error) => field.skip(format!("bridge: {}", peer.name), format!("{error:#}")),
        }
    }
    Ok(pairs)
}

fn throughput(field: &Field, pairs: &[Pair], iperf: &Iperf, streams: u32) -> Result<Finding> {
    let load = Load {
        streams,
        pinned: true,
    };
    let entrants = pairs.iter().map(|pair| {
        let to = (pair.address, crate::network::iperf::PORT);
        Entrant::new(&pair.name, move || {
            iperf.measure(&pair.server, &pair.client, to, load)
        })
    });
    let (id, title) = match streams {
        1 => ("bridge-throughput".into(), "one TCP connection".into()),
        _ => (
            format!("bridge-throughput-{streams}"),
            format!("{streams} TCP connections side by side"),
        ),
    };
    Ok(Finding::Table(Table {
        id,
        title: format!("Container to container over a bridge: {title}"),
        unit: Unit::Gigabits,
        better: Better::Higher,
        contenders: take_turns(entrants.collect(), field.rounds(11))?,
        budgets: vec![Budget {
            says: "at least 0.98 of the same bridge made by hand".into(),
            limit: Limit::RatioAtLeast {
                of: field.rbox.name.into(),
                to: "by hand".into(),
                limit: 0.98,
            },
        }],
        notes: vec![
            "iperf3, client and server on a processor each; what arrived counts.".into(),
            BY_HAND.into(),
        ],
    }))
}

fn round_trips(
    field: &Field,
    pairs: &[Pair],
    pingpong: &Pingpong,
    transport: Transport,
) -> Result<Finding> {
    let entrants = pairs.iter().map(|pair| {
        Entrant::new(&pair.name, move || {
            pingpong.round_trip(&pair.client, transport, pair.address, ROUND_TRIPS)
        })
    });
    let (id, what) = match transport {
        Transport::Tcp => ("bridge-latency-tcp", "TCP"),
        Transport::Udp => ("bridge-latency-udp", "UDP"),
    };
    Ok(Finding::Table(Table {
        id: id.into(),
        title: format!("Container to container over a bridge: a byte there and back, {what}"),
        unit: Unit::Microseconds,
        better: Better::Lower,
        contenders: take_turns(entrants.collect(), field.rounds(11))?,
        budgets: Vec::new(),
        notes: vec![
            format!(
                "A sample is the median of {ROUND_TRIPS} round trips; the two ends are on a \
                 processor each."
            ),
            BY_HAND.into(),
        ],
    }))
}

/// What the others are compared with.
const BY_HAND: &str = "By hand: two veth pairs and a bridge with the engines' MTU, in namespaces \
    without any firewall rule. The engines share one network namespace, so that each one's packets \
    pass the rules of all where frames in bridges are filtered (bridge-nf-call-iptables).";
