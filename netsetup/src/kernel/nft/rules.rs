//! The chains and rules of the table `inet rbox`, in the order in which a packet meets them;
//! what they are for is in [`super::table`].

use super::chain::{
    Hook, PRIORITY_DSTNAT, PRIORITY_FILTER, PRIORITY_RAW, PRIORITY_SRCNAT, add_rule, create_chain,
};
use super::expr::{Family, Rule};
use super::set::Set;
use super::table::TABLE;
use super::transaction::Transaction;
use super::ways_in;
use super::wire::{NF_INET_FORWARD, NF_INET_LOCAL_OUT, NF_INET_POST_ROUTING, NF_INET_PRE_ROUTING};

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// Appends all chains and rules.
pub(super) fn write(t: &mut Transaction) {
    chains(t);
    raw(t);
    prerouting(t);
    output(t);
    published(t);
    forward(t);
    ways_in::admit(t);
    postrouting(t);
}

/// In the order in which they are listed.
fn chains(t: &mut Transaction) {
    let base = |kind, hook, priority| {
        Some(Hook {
            kind,
            hook,
            priority,
        })
    };
    let (filter, nat) = ("filter", "nat");
    for (name, hook) in [
        ("raw", base(filter, NF_INET_PRE_ROUTING, PRIORITY_RAW)),
        ("addressed", None),
        (
            "prerouting",
            base(nat, NF_INET_PRE_ROUTING, PRIORITY_DSTNAT),
        ),
        ("output", base(nat, NF_INET_LOCAL_OUT, PRIORITY_DSTNAT)),
        ("published", None),
        // Before `admit`, and before the filters of others.
        (
            "forward",
            base(filter, NF_INET_FORWARD, PRIORITY_FILTER - 2),
        ),
        ("admit", base(filter, NF_INET_FORWARD, PRIORITY_FILTER - 1)),
        (
            "postrouting",
            base(nat, NF_INET_POST_ROUTING, PRIORITY_SRCNAT),
        ),
    ] {
        create_chain(t, TABLE, name, hook);
    }
}

pub(super) fn rule(t: &mut Transaction, chain: &str, text: &str, fill: impl FnOnce(&mut Rule<'_>)) {
    let text = (!text.is_empty()).then_some(text);
    add_rule(t, TABLE, chain, text, fill);
}

fn raw(t: &mut Transaction) {
    let text = "loopback is this host's alone";
    rule(t, "raw", text, |r| {
        r.not_from_loopback();
        r.destined_to_loopback_v4();
        r.drop();
    });
    rule(t, "raw", text, |r| {
        r.not_from_loopback();
        r.destined_to_loopback_v6();
        r.drop();
    });
    // An answer to a client on another network is addressed to that client. Here and not in
    // `addressed`: an interval set is the dearest thing to ask, and most packets are containers'.
    rule(t, "raw", "forward decides between networks", |r| {
        r.in_interface(Set::Bridges.name());
        r.accept();
    });
    for family in FAMILIES {
        rule(t, "raw", "to a container's address", |r| {
            r.family(family);
            r.load_source(family, 0);
            r.load_destination(family, family.registers());
            r.lookup(Set::Closed(family).name());
            r.jump("addressed");
        });
    }
    for family in FAMILIES {
        rule(t, "addressed", "", |r| {
            r.family(family);
            r.load_destination(family, 0);
            r.load_in_interface(family.registers());
            r.lookup(Set::Trusted(family).name());
            r.done();
        });
    }
    rule(t, "addressed", "the gateway is this host", |r| {
        r.destined_here();
        r.done();
    });
    rule(t, "addressed", "from outside", |r| r.drop());
}

fn published(t: &mut Transaction) {
    for family in FAMILIES {
        rule(t, "published", "", |r| {
            r.family(family);
            r.load_destination(family, 0);
            r.load_protocol(family.registers());
            r.load_destination_port(family.registers() + 1);
            r.map(Set::Published(family).name());
            r.dnat(family);
        });
        rule(t, "published", "", |r| {
            r.family(family);
            r.load_protocol(0);
            r.load_destination_port(1);
            r.map(Set::PublishedAny(family).name());
            r.dnat(family);
        });
    }
}

fn prerouting(t: &mut Transaction) {
    rule(t, "prerouting", "served by the relay", |r| {
        r.in_interface(Set::Relayed.name());
        r.done();
    });
    rule(t, "prerouting", "", |r| {
        r.destined_here();
        r.jump("published");
    });
}

fn output(t: &mut Transaction) {
    let text = "loopback is served by the relay";
    rule(t, "output", text, |r| {
        r.destined_to_loopback_v4();
        r.done();
    });
    rule(t, "output", text, |r| {
        r.destined_to_loopback_v6();
        r.done();
    });
    rule(t, "output", "", |r| {
        r.destined_here();
        r.jump("published");
    });
}

fn forward(t: &mut Transaction) {
    rule(t, "forward", "", |r| {
        r.established();
        r.accept();
    });
    rule(t, "forward", "within a network", |r| {
        r.load_in_interface(0);
        r.load_out_interface(4);
        r.lookup(Set::Icc.name());
        r.accept();
    });
    rule(t, "forward", "", |r| {
        r.in_interface(Set::Internal.name());
        r.drop();
    });
    rule(t, "forward", "", |r| {
        r.out_interface(Set::Internal.name());
        r.drop();
    });
    rule(t, "forward", "published ports", |r| {
        r.out_interface(Set::Bridges.name());
        r.was_dnatted();
        r.accept();
    });
    for family in FAMILIES {
        rule(t, "forward", "open to everybody", |r| {
            reachable(r, family, |r, at| r.load_out_interface(at));
        });
        rule(t, "forward", "open to trusted interfaces", |r| {
            reachable(r, family, |r, at| r.load_in_interface(at));
        });
    }
    rule(t, "forward", "unpublished ports, other networks", |r| {
        r.out_interface(Set::Bridges.name());
        r.drop();
    });
}

fn reachable(r: &mut Rule<'_>, family: Family, interface: impl FnOnce(&mut Rule<'_>, u32)) {
    let behind_address = family.registers();
    r.family(family);
    r.load_destination(family, 0);
    interface(r, behind_address);
    r.load_protocol(behind_address + 4);
    r.load_destination_port(behind_address + 5);
    r.lookup(Set::Reachable(family).name());
    r.accept();
}

fn postrouting(t: &mut Transaction) {
    for family in FAMILIES {
        rule(t, "postrouting", "hairpin", |r| {
            r.family(family);
            r.load_source(family, 0);
            r.load_out_interface(family.registers());
            r.lookup(Set::Own(family).name());
            r.was_dnatted();
            r.masquerade();
        });
        rule(
            t,
            "postrouting",
            "the server is on the client's network, too",
            |r| {
                r.family(family);
                r.load_source(family, 0);
                r.load_destination(family, family.registers());
                r.lookup(Set::Shortcut(family).name());
                r.was_dnatted();
                r.masquerade();
            },
        );
    }
    rule(t, "postrouting", "containers see the client", |r| {
        r.out_interface(Set::Bridges.name());
        r.done();
    });
    for family in FAMILIES {
        let leaving = |r: &mut Rule<'_>| {
            r.family(family);
            r.load_source(family, 0);
            r.load_destination(family, family.registers());
        };
        rule(t, "postrouting", "", |r| {
            leaving(r);
            r.map(Set::Snat(family).name());
            r.snat(family);
        });
        rule(t, "postrouting", "", |r| {
            leaving(r);
            r.lookup(Set::Masquerade(family).name());
            r.masquerade();
        });
    }
}
