use super::super::Kernel;
use super::super::testing::{attached, hostile, kernel, network, plug, two_networks};
use super::*;

fn at_most_80_columns(text: &str) {
    for line in text.lines() {
        assert!(width(line) <= WIDTH, "{} columns: {line}", width(line));
    }
}

#[test]
fn networks_hang_on_the_trunk_and_containers_on_their_bridges() {
    let drawn = text(&two_networks());
    at_most_80_columns(&drawn);
    assert_eq!(
        drawn,
        "\
eth0  198.51.100.2/24  default via 198.51.100.1
│
├─ lan  172.18.0.0/16  masqueraded
│  ┌───────────────────────────────────────────────────────────────────────────┐
│  │ br-6c616e000000  172.18.0.1/16  02:42:00:00:00:0a  mtu 1500            up │
│  └─┬─────────────────────────────────────────────────────────────────────────┘
│    ├─ vethdb  ── eth0  db   172.18.0.3/16  02:42:ac:12:00:03
│    │                        default route
│    └─ vethweb ── eth0  web  172.18.0.2/16  02:42:ac:12:00:02
│                             127.0.0.1:5353 → 53/udp, 8080 → 80/tcp
│                             shared with guest
│
└╳ store  10.1.0.0/24, fd00:1::/64  internal: no way out
   ┌───────────────────────────────────────────────────────────────────────────┐
   │ br-73746f726500  10.1.0.1/24  02:42:00:00:00:14  mtu 1500              up │
   │                  fd00:1::1/64                                             │
   └─┬─────────────────────────────────────────────────────────────────────────┘
     └─ vethdb2 ── eth1  db  10.1.0.2/24  02:42:0a:01:00:02
                             fd00:1::2/64
"
    );
}

#[test]
fn what_somebody_deleted_is_shown_as_missing() {
    let lan = network("lan", &["172.18.0.0/16"]);
    let mut facts = kernel();
    plug(&mut facts, &lan, 10, &["a", "b", "c", "d"]);
    facts.addresses.retain(|info| info.index != 10);
    facts.routes.clear();
    facts.links.retain(|link| link.name != "vetha");
    for link in &mut facts.links {
        match link.name.as_str() {
            "vethb" => link.master = None,
            "vethc" => link.up = false,
            "vethd" => link.carrier = false,
            _ => {}
        }
    }
    let all = ["a", "b", "c", "d"];
    let endpoints = |count: usize| {
        (0..count)
            .map(|n| attached(&lan, all[n], u8::try_from(n).unwrap() + 2))
            .collect()
    };
    let drawn = text(&Graph::new(vec![(lan.clone(), endpoints(4))], &facts));
    at_most_80_columns(&drawn);
    assert_eq!(
        drawn,
        "\
this host has no default route
│
└─ lan  172.18.0.0/16  masqueraded
   ┌───────────────────────────────────────────────────────────────────────────┐
   │ br-6c616e000000  172.18.0.1/16 (missing)  02:42:00:00:00:0a  mtu 1500  up │
   └─┬─────────────────────────────────────────────────────────────────────────┘
     ├─ vetha ╳╳ eth0  a  172.18.0.2/16  02:42:ac:12:00:02
     │                    missing: no such interface
     ├─ vethb ╳╳ eth0  b  172.18.0.3/16  02:42:ac:12:00:03
     │                    unplugged: no port of br-6c616e000000
     ├─ vethc ╌╌ eth0  c  172.18.0.4/16  02:42:ac:12:00:04
     │                    down
     └─ vethd ╌╌ eth0  d  172.18.0.5/16  02:42:ac:12:00:05
                          no carrier: down inside
"
    );
    let drawn = text(&Graph::new(
        vec![(lan.clone(), endpoints(1))],
        &Kernel::default(),
    ));
    assert_eq!(
        drawn,
        "\
this host has no default route
│
└─ lan  172.18.0.0/16  masqueraded
   ┌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┐
   ╎ br-6c616e000000  172.18.0.1/16  mtu 1500                          missing ╎
   └╌┬╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┘
     └─ vetha ╳╳ eth0  a  172.18.0.2/16  02:42:ac:12:00:02
                          missing: no such interface
"
    );
}

#[test]
fn long_names_take_two_lines_a_port_and_forty_containers_stay_in_line() {
    let lan = network("lan", &["172.18.0.0/16"]);
    let mut facts = kernel();
    plug(&mut facts, &lan, 10, &[]);
    let endpoints = (0..40u8)
        .map(|n| attached(&lan, &format!("c{n}"), n + 2))
        .collect();
    let drawn = text(&Graph::new(vec![(lan.clone(), endpoints)], &facts));
    at_most_80_columns(&drawn);
    let at: Vec<Option<usize>> = drawn
        .lines()
        .filter(|line| line.contains("02:42:ac:12:"))
        .map(|line| line.find("02:42:"))
        .collect();
    assert!(
        at.len() == 40 && at.iter().all(|column| *column == at[0]),
        "{drawn}"
    );
    let mut long = attached(&lan, "web", 2);
    long.endpoint.owner_name = "n".repeat(200);
    let drawn = text(&Graph::new(vec![(lan, vec![long])], &facts));
    at_most_80_columns(&drawn);
    assert!(
        drawn.contains("\n            172.18.0.2/16  02:42:ac:12:00:02\n"),
        "{drawn}"
    );
}

#[test]
fn names_do_not_reach_the_terminal_as_they_are() {
    let drawn = text(&hostile());
    at_most_80_columns(&drawn);
    assert!(
        !drawn.chars().any(|c| c.is_control() && c != '\n'),
        "{drawn:?}"
    );
    assert!(!drawn.contains('\u{202e}'), "{drawn:?}");
}

#[test]
fn families_that_leave_differently_say_so() {
    use crate::model::network_options::GATEWAY_MODE_6;
    let mut lan = network("lan", &["172.18.0.0/16", "fd00:1::/64"]);
    let leaving = |lan: &crate::model::network::Network| {
        Graph::new(vec![(lan.clone(), Vec::new())], &kernel()).networks[0].leaving
    };
    assert_eq!(leaving(&lan), Leaving::Masqueraded);
    lan.options
        .insert(GATEWAY_MODE_6.to_owned(), "routed".to_owned());
    assert_eq!(leaving(&lan), Leaving::Mixed);
    let masquerade = crate::model::network_options::ENABLE_MASQUERADE;
    lan.options
        .insert(masquerade.to_owned(), "false".to_owned());
    assert_eq!(leaving(&lan), Leaving::Routed);
}
