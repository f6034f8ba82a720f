use super::*;
use crate::kernel::testing::{Lab, published, udp, udp_round_trip};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn direction_of(from: &str, to: &str) -> Direction {
    Direction {
        protocol: IPPROTO_UDP,
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
    }
}

#[test]
fn an_entry_is_astray_when_it_asks_for_the_port_and_another_answers() {
    let here = [ip("198.51.100.2"), ip("172.18.0.1")];
    let to = ip("172.18.0.2");
    let any = published("0.0.0.0", 8080, 80, Protocol::Udp);
    let one = published("198.51.100.2", 8080, 80, Protocol::Udp);
    for (asked, answers, astray) in [
        ("198.51.100.2:8080", "172.18.0.3:80", true),
        ("198.51.100.2:8080", "172.18.0.2:81", true),
        // Before there was a rule, the host itself.
        ("198.51.100.2:8080", "198.51.100.2:8080", true),
        ("198.51.100.2:8080", "172.18.0.2:80", false),
        ("198.51.100.2:8081", "172.18.0.3:80", false),
        // Somebody else's server at the same port.
        ("203.0.113.5:8080", "203.0.113.5:8080", false),
    ] {
        let mut entry = Entry {
            original: direction_of("198.51.100.9:4000", asked),
            reply: direction_of(answers, "198.51.100.9:4000"),
            tuple: Vec::new(),
            id: None,
            zone: None,
        };
        assert_eq!(leads_astray(&entry, &any, to, &here), astray, "{asked}");
        assert_eq!(leads_astray(&entry, &one, to, &here), astray, "{asked}");
        entry.original.protocol = IPPROTO_TCP;
        assert!(!leads_astray(&entry, &any, to, &here), "{asked}");
    }
}

#[test]
fn what_is_no_entry_is_passed_over() {
    let kind = message_type(IPCTNL_MSG_CT_NEW);
    for body in [
        &[][..],
        &[2, 0, 0, 0],
        &[2, 0, 0, 0, 8, 0, 1, 0x80, 255, 255, 1, 0],
    ] {
        assert_eq!(parse(kind, body), None, "{body:?}");
    }
}

#[test]
fn a_client_that_goes_on_sending_is_led_to_the_new_container() {
    let test = "a_client_that_goes_on_sending_is_led_to_the_new_container";
    let Some(mut lab) = Lab::new(test) else {
        return;
    };
    let here = ["198.51.100.2", "2001:db8::2"];
    lab.lan("lan", &["198.51.100.2/24", "2001:db8::2/64"]);
    lab.network("br-a", &["172.18.0.1/16", "fd00:18::1/64"], |_| {});
    let gateways = ["172.18.0.1", "fd00:18::1"];
    let old = lab.attach("br-a", &["172.18.0.2/16", "fd00:18::2/64"], &gateways);
    let new = lab.attach("br-a", &["172.18.0.3/16", "fd00:18::3/64"], &gateways);
    let neighbour = lab.attach("lan", &["198.51.100.9/24", "2001:db8::9/64"], &[]);
    let mut conntrack = Conntrack::open().unwrap();
    for (host, any, old_ip, new_ip) in [
        ("198.51.100.2:8080", "0.0.0.0", "172.18.0.2", "172.18.0.3"),
        ("[2001:db8::2]:8080", "::", "fd00:18::2", "fd00:18::3"),
    ] {
        let bind = SocketAddr::new(ip(any), 80).to_string();
        let client = neighbour.udp(&SocketAddr::new(ip(any), 0).to_string());
        let (first, second) = (old.udp(&bind), new.udp(&bind));
        let publish = |lab: &mut Lab, to: &str| {
            let ports = [published(any, 8080, 80, Protocol::Udp)];
            lab.nft.ports_add(&ports, ip(to), &[], "owner").unwrap();
            ports
        };
        publish(&mut lab, old_ip);
        udp_round_trip(&client, host, &first);
        let ports = publish(&mut lab, new_ip);
        // It is the entry that leads astray: what it is told next arrives at the old one.
        client.send(b"lost").unwrap();
        first.recv(&mut [0; 8]).unwrap();
        let here: Vec<IpAddr> = here.iter().map(|text| ip(text)).collect();
        let forget = |conntrack: &mut Conntrack| {
            conntrack
                .forget_datagrams(&ports, ip(new_ip), &here)
                .unwrap()
        };
        assert_eq!(forget(&mut conntrack), 1, "{host}");
        udp_round_trip(&client, host, &second);
        assert_eq!(
            forget(&mut conntrack),
            0,
            "{host}: it leads to the right one"
        );
        // Two ports are one look.
        let other = published(any, 8081, 80, Protocol::Udp);
        let both = [ports[0].clone(), other];
        let count = conntrack
            .forget_datagrams(&both, ip(old_ip), &here)
            .unwrap();
        assert_eq!(count, 1, "{host}");
    }
}

#[test]
fn connections_to_an_address_that_is_gone_are_forgotten_and_no_others() {
    let test = "connections_to_an_address_that_is_gone_are_forgotten_and_no_others";
    let Some(mut lab) = Lab::new(test) else {
        return;
    };
    lab.lan("lan", &["198.51.100.2/24"]);
    lab.network("br-a", &["172.18.0.1/16"], |_| {});
    let gone = lab.attach("br-a", &["172.18.0.2/16"], &["172.18.0.1"]);
    let kept = lab.attach("br-a", &["172.18.0.3/16"], &["172.18.0.1"]);
    let neighbour = lab.attach("lan", &["198.51.100.9/24"], &[]);
    let servers = [gone.listen("0.0.0.0:80"), kept.listen("0.0.0.0:80")];
    lab.publish("0.0.0.0", 8080, "172.18.0.2:80", "gone");
    lab.publish("0.0.0.0", 8081, "172.18.0.3:80", "kept");
    neighbour.reaches("198.51.100.2:8080", &servers[0]).unwrap();
    neighbour.reaches("198.51.100.2:8081", &servers[1]).unwrap();
    // The host talks to it without NAT: nothing leads astray there.
    let server = gone.udp("0.0.0.0:90");
    udp_round_trip(&udp("0.0.0.0:0"), "172.18.0.2:90", &server);
    let mut conntrack = Conntrack::open().unwrap();
    assert_eq!(conntrack.forget_target(ip("172.18.0.2")).unwrap(), 1);
    assert_eq!(conntrack.forget_target(ip("172.18.0.2")).unwrap(), 0);
    assert_eq!(conntrack.forget_target(ip("172.18.0.3")).unwrap(), 1);
    assert_eq!(conntrack.forget_target(ip("fd00::1")).unwrap(), 0);
}
