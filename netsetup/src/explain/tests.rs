//! Rulesets and namespaces written by hand: no kernel.

use std::net::IpAddr;

use super::atlas::{Atlas, KnownBridge, Resident, Wire};
use super::evaluate::{Effect, End as ChainEnd};
use super::hook::{Hook, Layer, Passage, pass};
use super::packet::{End, Packet, Transport};
use super::ruleset::{
    Base, Chain, Data, Element, Expression, Extension, Family, Interval, Rule, Ruleset, Set, Table,
    Target, Verdict,
};
use super::story;
use super::surroundings::{AddressType, Device, Position, Surroundings};
use super::walk::{Question, Start, explain};
use super::world::{Link, Node, Routes, World};
use crate::kernel::netlink::{AddressInfo, RouteAnswer, RouteQuestion};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

struct Nowhere;

impl Surroundings for Nowhere {
    fn address_type(&mut self, address: IpAddr, _: Option<u32>) -> Option<AddressType> {
        Some(if address == ip("10.0.0.1") {
            AddressType::Local
        } else {
            AddressType::Unicast
        })
    }

    fn device_to(&mut self, _: IpAddr, _: Option<u32>) -> Option<Option<Device>> {
        None
    }

    fn masquerade_address(&mut self, _: u32, _: IpAddr) -> Option<IpAddr> {
        Some(ip("192.0.2.9"))
    }

    fn own_address(&mut self, _: u32, _: bool) -> Option<IpAddr> {
        Some(ip("10.0.0.1"))
    }
}

fn device(index: u32, name: &str) -> Device {
    Device {
        index,
        name: name.to_owned(),
        kind: String::new(),
    }
}

fn packet() -> Packet {
    let end = End {
        address: ip("10.0.0.2"),
        port: Some(80),
    };
    Packet::new(ip("192.0.2.1"), end, Transport::Tcp)
}

fn rule(expressions: Vec<Expression>) -> Rule {
    Rule {
        handle: 7,
        expressions,
        comment: None,
    }
}

/// `tcp dport` in register 0, and what is done with it.
fn port(rest: Vec<Expression>) -> Rule {
    let mut expressions = vec![Expression::Payload {
        base: 2,
        offset: 2,
        length: 2,
        to: 0,
    }];
    expressions.extend(rest);
    rule(expressions)
}

fn is(port: u16) -> Expression {
    Expression::Compare {
        from: 0,
        operator: 0,
        value: port.to_be_bytes().to_vec(),
    }
}

fn verdict(verdict: Verdict) -> Expression {
    Expression::Verdict(verdict)
}

fn base(name: &str, kind: &str, hook: Hook, priority: i32, rules: Vec<Rule>) -> Chain {
    Chain {
        name: name.to_owned(),
        base: Some(Base {
            kind: kind.to_owned(),
            hook: hook as u32,
            priority,
            drops: false,
            devices: Vec::new(),
        }),
        rules,
    }
}

fn table(chains: Vec<Chain>, sets: Vec<Set>) -> Ruleset {
    Ruleset {
        tables: vec![Table {
            family: Family::Inet,
            name: "t".to_owned(),
            dormant: false,
            chains,
            sets,
        }],
    }
}

fn through(ruleset: &Ruleset, hook: Hook, packet: &mut Packet) -> Passage {
    let position = Position {
        incoming: (hook != Hook::Output).then(|| device(2, "eth0")),
        outgoing: (hook != Hook::Prerouting).then(|| device(3, "br0")),
        ..Position::default()
    };
    pass(ruleset, Layer::Ip, hook, &position, packet, &mut Nowhere)
}

fn forward(rules: Vec<Rule>) -> ChainEnd {
    let ruleset = table(
        vec![base("f", "filter", Hook::Forward, 0, rules)],
        Vec::new(),
    );
    through(&ruleset, Hook::Forward, &mut packet()).end
}

#[test]
fn the_first_verdict_of_a_chain_counts() {
    let drop = || verdict(Verdict::Drop);
    assert_eq!(forward(vec![]), ChainEnd::Passed);
    assert_eq!(forward(vec![port(vec![is(80), drop()])]), ChainEnd::Stopped);
    assert_eq!(forward(vec![port(vec![is(81), drop()])]), ChainEnd::Passed);
    let accepted = vec![
        port(vec![is(80), verdict(Verdict::Accept)]),
        rule(vec![drop()]),
    ];
    assert_eq!(forward(accepted), ChainEnd::Passed);
    let returned = vec![rule(vec![verdict(Verdict::Return)]), rule(vec![drop()])];
    assert_eq!(forward(returned), ChainEnd::Passed);
}

#[test]
fn accepting_ends_one_chain_and_dropping_all() {
    let ruleset = table(
        vec![
            base(
                "a",
                "filter",
                Hook::Forward,
                0,
                vec![rule(vec![verdict(Verdict::Accept)])],
            ),
            base(
                "b",
                "filter",
                Hook::Forward,
                10,
                vec![rule(vec![verdict(Verdict::Drop)])],
            ),
        ],
        Vec::new(),
    );
    let passage = through(&ruleset, Hook::Forward, &mut packet());
    assert_eq!(passage.end, ChainEnd::Stopped);
    assert_eq!(passage.decisions.len(), 2);
}

#[test]
fn chains_are_asked_by_priority_and_policies_drop() {
    let mut late = base("late", "filter", Hook::Forward, 5, Vec::new());
    if let Some(base) = &mut late.base {
        base.drops = true;
    }
    let early = base(
        "early",
        "filter",
        Hook::Forward,
        -5,
        vec![rule(vec![verdict(Verdict::Accept)])],
    );
    let ruleset = table(vec![late, early], Vec::new());
    let passage = through(&ruleset, Hook::Forward, &mut packet());
    let places: Vec<_> = passage
        .decisions
        .iter()
        .map(|d| (d.place.chain, d.place.rule))
        .collect();
    assert_eq!(places, [(1, Some(0)), (0, None)]);
    assert_eq!(passage.end, ChainEnd::Stopped);
}

#[test]
fn chains_call_each_other_and_come_back() {
    let jump = |verdict_of: fn(String) -> Verdict| {
        let ruleset = table(
            vec![
                base(
                    "f",
                    "filter",
                    Hook::Forward,
                    0,
                    vec![
                        rule(vec![verdict(verdict_of("g".to_owned()))]),
                        rule(vec![verdict(Verdict::Drop)]),
                    ],
                ),
                Chain {
                    name: "g".to_owned(),
                    ..Chain::default()
                },
            ],
            Vec::new(),
        );
        through(&ruleset, Hook::Forward, &mut packet()).end
    };
    assert_eq!(jump(Verdict::Jump), ChainEnd::Stopped);
    assert_eq!(jump(Verdict::Goto), ChainEnd::Passed);
}

#[test]
fn a_circle_of_chains_is_not_followed_for_ever() {
    let ruleset = table(
        vec![base(
            "f",
            "filter",
            Hook::Forward,
            0,
            vec![rule(vec![verdict(Verdict::Jump("f".to_owned()))])],
        )],
        Vec::new(),
    );
    let end = through(&ruleset, Hook::Forward, &mut packet()).end;
    assert!(matches!(end, ChainEnd::CannotTell { .. }), "{end:?}");
}

fn interval(from: u16, to: u16, data: Option<Data>) -> Element {
    Element {
        key: Some(Interval {
            from: from.to_be_bytes().to_vec(),
            to: to.to_be_bytes().to_vec(),
        }),
        data,
    }
}

#[test]
fn verdict_maps_with_intervals_and_the_rest() {
    let end = |elements: Vec<Element>| {
        let set = Set {
            name: "m".to_owned(),
            map: true,
            elements,
            ..Set::default()
        };
        let look = port(vec![Expression::Lookup {
            set: "m".to_owned(),
            from: 0,
            to: Some(Target::Verdict),
            not: false,
        }]);
        let ruleset = table(
            vec![base("f", "filter", Hook::Forward, 0, vec![look])],
            vec![set],
        );
        through(&ruleset, Hook::Forward, &mut packet()).end
    };
    let drop = || Some(Data::Verdict(Verdict::Drop));
    let accept = || Some(Data::Verdict(Verdict::Accept));
    assert_eq!(end(vec![interval(70, 90, drop())]), ChainEnd::Stopped);
    assert_eq!(end(vec![interval(81, 90, drop())]), ChainEnd::Passed);
    let rest = Element {
        key: None,
        data: drop(),
    };
    assert_eq!(
        end(vec![interval(80, 80, accept()), rest.clone()]),
        ChainEnd::Passed
    );
    assert_eq!(
        end(vec![interval(22, 22, accept()), rest]),
        ChainEnd::Stopped
    );
}

#[test]
fn what_is_not_known_matters_only_where_the_ends_differ() {
    let sport = |last: Verdict| {
        rule(vec![
            Expression::Payload {
                base: 2,
                offset: 0,
                length: 2,
                to: 0,
            },
            is(4000),
            verdict(last),
        ])
    };
    assert_eq!(forward(vec![sport(Verdict::Accept)]), ChainEnd::Passed);
    match forward(vec![sport(Verdict::Drop)]) {
        ChainEnd::CannotTell { place, uses } => {
            assert_eq!(place.rule, Some(0));
            assert_eq!(uses, "th sport");
        }
        other => panic!("{other:?}"),
    }
    let unknown = |rest: Vec<Expression>| {
        let mut expressions = vec![Expression::Other("osf".to_owned())];
        expressions.extend(rest);
        rule(expressions)
    };
    let counted = unknown(vec![Expression::Harmless("counter".to_owned())]);
    assert_eq!(forward(vec![counted]), ChainEnd::Passed);
    // One that is not known to look only may do anything.
    let end = forward(vec![rule(vec![Expression::Other("tproxy".to_owned())])]);
    assert!(matches!(end, ChainEnd::CannotTell { uses, .. } if uses == "tproxy"));
    let end = forward(vec![unknown(vec![verdict(Verdict::Drop)])]);
    assert!(matches!(end, ChainEnd::CannotTell { uses, .. } if uses == "osf"));
}

#[test]
fn extensions_that_are_not_known_are_named() {
    let extension = |name: &str| Extension {
        name: name.to_owned(),
        revision: 0,
        info: Vec::new(),
    };
    let matching = rule(vec![
        Expression::Match(extension("recent")),
        verdict(Verdict::Drop),
    ]);
    let end = forward(vec![matching]);
    assert!(matches!(end, ChainEnd::CannotTell { uses, .. } if uses == "match recent"));
    let acting = rule(vec![Expression::Action(extension("TPROXY"))]);
    let end = forward(vec![acting]);
    assert!(matches!(end, ChainEnd::CannotTell { uses, .. } if uses == "target TPROXY"));
    let short = rule(vec![
        Expression::Match(Extension {
            revision: 3,
            ..extension("conntrack")
        }),
        verdict(Verdict::Drop),
    ]);
    assert!(matches!(forward(vec![short]), ChainEnd::CannotTell { .. }));
}

fn dnat() -> Rule {
    rule(vec![
        Expression::Immediate {
            value: vec![10, 0, 0, 99],
            to: 0,
        },
        Expression::Immediate {
            value: 8080u16.to_be_bytes().to_vec(),
            to: 4,
        },
        Expression::Nat {
            destination: true,
            family: 2,
            address: Some((0, None)),
            port: Some((4, None)),
            prefix: false,
        },
    ])
}

#[test]
fn the_first_translation_counts_and_filters_behind_it_see_it() {
    let ruleset = table(
        vec![
            base("n", "nat", Hook::Prerouting, -100, vec![dnat()]),
            base(
                "m",
                "nat",
                Hook::Prerouting,
                -90,
                vec![rule(vec![verdict(Verdict::Drop)])],
            ),
            base(
                "f",
                "filter",
                Hook::Prerouting,
                0,
                vec![port(vec![is(8080), verdict(Verdict::Drop)])],
            ),
        ],
        Vec::new(),
    );
    let mut packet = packet();
    let passage = through(&ruleset, Hook::Prerouting, &mut packet);
    assert_eq!(packet.destination.to_string(), "10.0.0.99:8080");
    assert!(matches!(passage.decisions[0].effect, Effect::Changed(_)));
    assert_eq!(passage.end, ChainEnd::Stopped, "by the filter");
    let mut answer = packet.answer();
    let passage = through(&ruleset, Hook::Prerouting, &mut answer);
    assert_eq!(passage.decisions, [], "answers are not translated by rules");
}

#[test]
fn masquerading_takes_the_interfaces_address() {
    let masquerade = rule(vec![Expression::Masquerade]);
    let ruleset = table(
        vec![base("p", "nat", Hook::Postrouting, 100, vec![masquerade])],
        Vec::new(),
    );
    let mut packet = packet();
    through(&ruleset, Hook::Postrouting, &mut packet);
    assert_eq!(packet.source.to_string(), "192.0.2.9");
}

/// Everything of 10.0.0.0/24 by interface 2, the rest nowhere; 10.0.0.1 is the host's.
struct RouteTable {
    own: IpAddr,
}

impl Routes for RouteTable {
    fn look_up(&mut self, question: &RouteQuestion) -> Result<RouteAnswer, String> {
        let local = question.destination == self.own;
        if !local && !question.destination.to_string().starts_with("10.0.0.") {
            return Err("Network is unreachable".to_owned());
        }
        Ok(RouteAnswer {
            kind: if local { 2 } else { 1 },
            device: 2,
            gateway: None,
            source: Some(self.own),
            route: None,
        })
    }
}

fn link(index: u32, name: &str, kind: &str, master: Option<u32>, peer: Option<u32>) -> Link {
    Link {
        device: Device {
            kind: kind.to_owned(),
            ..device(index, name)
        },
        up: true,
        master,
        peer,
        mac: None,
        mtu: 1500,
        isolated: false,
        hairpin: false,
        forwards: true,
    }
}

fn world(node: &Node, isolated: bool) -> World {
    let (own, links) = match node {
        Node::Host => {
            let mut links = vec![
                link(2, "br0", "bridge", None, None),
                link(11, "veth1", "veth", Some(2), Some(2)),
                link(12, "veth2", "veth", Some(2), Some(2)),
            ];
            for port in &mut links[1..] {
                port.isolated = isolated;
            }
            ("10.0.0.1", links)
        }
        Node::Container(name) if name == "one" => {
            ("10.0.0.2", vec![link(2, "eth0", "veth", None, Some(11))])
        }
        Node::Container(_) => ("10.0.0.3", vec![link(2, "eth0", "veth", None, Some(12))]),
    };
    World {
        node: node.clone(),
        ruleset: Ruleset::default(),
        links,
        addresses: vec![AddressInfo {
            index: 2,
            address: ip(own),
            prefix: 24,
        }],
        bridge_filter: (false, false),
        forwards_ipv6: true,
        legacy: Vec::new(),
        listeners: None,
        routes: Box::new(RouteTable { own: ip(own) }),
    }
}

fn from_one_to(address: &str, isolated: bool) -> story::Story {
    let resident = |name: &str, address: &str, host: &str| Resident {
        name: name.to_owned(),
        node: Node::Container(name.to_owned()),
        wires: vec![Wire {
            network: "lan".to_owned(),
            host_device: host.to_owned(),
            device: "eth0".to_owned(),
            addresses: vec![ip(address)],
        }],
        ports: Vec::new(),
    };
    let bridge = KnownBridge {
        device: "br0".to_owned(),
        network: "lan".to_owned(),
        internal: false,
    };
    let residents = vec![
        resident("one", "10.0.0.2", "veth1"),
        resident("two", "10.0.0.3", "veth2"),
    ];
    let load = move |node: &Node| Ok(world(node, isolated));
    let mut atlas = Atlas::new(Box::new(load), residents, vec![bridge]);
    let question = Question {
        from: "one".to_owned(),
        to: address.to_owned(),
        start: Start::Program(Node::Container("one".to_owned())),
        destination: End {
            address: ip(address),
            port: Some(80),
        },
        transport: Transport::Tcp,
        before: Vec::new(),
    };
    explain(&mut atlas, &question)
}

#[test]
fn ways_end_where_they_should() {
    for (address, isolated, verdict, end) in [
        (
            "10.0.0.3",
            false,
            story::Verdict::Arrives,
            "arrives at two (10.0.0.3:80)",
        ),
        (
            "10.0.0.3",
            true,
            story::Verdict::Dropped,
            "dropped: ports veth1 and veth2 of br0 are isolated",
        ),
        (
            "10.0.0.1",
            false,
            story::Verdict::Arrives,
            "arrives at the host (10.0.0.1:80)",
        ),
        (
            "10.0.0.9",
            false,
            story::Verdict::Unreachable,
            "No route to host: nobody on br0 (network lan) has 10.0.0.9",
        ),
        (
            "192.0.2.1",
            false,
            story::Verdict::Unreachable,
            "Network is unreachable: one has no route",
        ),
    ] {
        let story = from_one_to(address, isolated);
        assert_eq!(story.verdict, verdict, "{story:?}");
        assert!(story.end.starts_with(end), "{}", story.end);
    }
    let told = from_one_to("10.0.0.3", false).text();
    assert_eq!(
        told,
        "one to 10.0.0.3, tcp\n\n  1  one   route: on link by eth0; from 10.0.0.2\n  \
         2  one   eth0 ═ veth1 of host, a port of br0 (network lan)\n  \
         3  host  bridge br0 (network lan): veth1 → veth2\n  \
         4  host  veth2 ═ eth0 of two\n  \
         5  two   route: 10.0.0.3 is an address of two\n\n\
         answers: come back; no rule has anything to say\narrives at two (10.0.0.3:80)\n"
    );
}
