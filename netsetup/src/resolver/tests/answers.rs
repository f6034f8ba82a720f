//! What names get, over UDP.

use std::collections::BTreeSet;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::DNSClass;
use hickory_proto::rr::RecordType::{
    A, AAAA, ANY, AXFR, CAA, CNAME, HTTPS, MX, NS, NULL, PTR, SOA, SRV, SVCB, TXT,
};

use super::namespace::run;
use super::upstream::Server;
use super::{World, question, with_edns};

const ZONE: &str = "10.241.0.2\th4a web shared 94e70b50c801\n\
                    10.241.0.3\th4b shared ec341d5fb4cb bhost\n\
                    fd00:aa::3\th4b shared ec341d5fb4cb bhost\n\
                    fd00:aa::4\th4six\n";

#[test]
fn a_name_is_answered_in_the_case_it_was_asked() {
    run("a_name_is_answered_in_the_case_it_was_asked", || async {
        let world = World::new().await;
        world.zone("h4n", ZONE);
        let reply = world.ask("H4a", A).await;
        assert_eq!(reply.shown(), "NOERROR 10.241.0.2");
        let header = &reply.message.metadata;
        assert!(header.recursion_desired && header.recursion_available && !header.truncation);
        let answer = &reply.message.answers[0];
        assert_eq!((answer.name.to_ascii(), answer.ttl), ("H4a.".into(), 0));
        assert!(reply.message.edns.is_none());
    });
}

#[test]
fn all_names_of_a_container_lead_to_it() {
    run("all_names_of_a_container_lead_to_it", || async {
        let world = World::new().await;
        world.zone("h4n", ZONE);
        for name in [
            "h4b",
            "BHOST",
            "ec341d5fb4cb",
            "h4b.h4n",
            "bhost.h4n",
            "Ec341d5fb4cb.H4N",
        ] {
            assert_eq!(
                world.ask(name, A).await.shown(),
                "NOERROR 10.241.0.3",
                "{name}"
            );
            assert_eq!(
                world.ask(name, AAAA).await.shown(),
                "NOERROR fd00:aa::3",
                "{name}"
            );
        }
        for name in [
            "bhost.bdom.test",
            "h4b.h4m",
            "h4",
            "h4n",
            ".h4n",
            "x.h4b.h4n",
            "ec341d5fb4c",
        ] {
            let name = name.trim_start_matches('.');
            assert_eq!(world.ask(name, A).await.shown(), "SERVFAIL", "{name}");
        }
    });
}

#[test]
fn a_known_name_without_that_type_is_no_data() {
    run("a_known_name_without_that_type_is_no_data", || async {
        let world = World::new().await;
        world.zone("h4n", ZONE);
        // Whoever is asked would say that there is no such name.
        let server = Server::start().await;
        world.forward_to(&[server.addr]);
        let others = [
            AAAA, MX, HTTPS, SVCB, TXT, SRV, CNAME, NS, SOA, ANY, CAA, NULL, PTR,
        ];
        for kind in others {
            let reply = world.ask("h4a", kind).await;
            assert_eq!(reply.shown(), "NOERROR", "{kind}");
            assert!(reply.message.authorities.is_empty(), "nobody keeps it");
        }
        assert_eq!(world.ask("h4six", A).await.shown(), "NOERROR");
        let address = "2.0.241.10.in-addr.arpa";
        for kind in [A, ANY, TXT] {
            assert_eq!(world.ask(address, kind).await.shown(), "NOERROR", "{kind}");
        }
        let mut chaos = question("h4a", TXT);
        chaos.queries[0].set_query_class(DNSClass::CH);
        assert_eq!(world.ask_message(&chaos).await.shown(), "NOERROR");
        assert_eq!(server.count(), 0);
    });
}

#[test]
fn addresses_of_an_alias_come_in_every_order() {
    run("addresses_of_an_alias_come_in_every_order", || async {
        let world = World::new().await;
        world.zone("h4n", ZONE);
        let mut orders = BTreeSet::new();
        for _ in 0..64 {
            let reply = world.ask("shared", A).await;
            assert_eq!(reply.shown(), "NOERROR 10.241.0.2 10.241.0.3");
            orders.insert(reply.data());
        }
        assert_eq!(orders.len(), 2);
    });
}

#[test]
fn addresses_lead_back_to_the_container_and_its_network() {
    run(
        "addresses_lead_back_to_the_container_and_its_network",
        || async {
            let world = World::new().await;
            world.zone("h4n", ZONE);
            let reply = world.ask("2.0.241.10.in-addr.arpa", PTR).await;
            assert_eq!(reply.shown(), "NOERROR h4a.h4n.");
            assert_eq!(reply.message.answers[0].ttl, 0);
            let v6 = "3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.a.a.0.0.0.0.d.f.ip6.arpa";
            assert_eq!(world.ask(v6, PTR).await.shown(), "NOERROR h4b.h4n.");
            for unknown in ["99.0.241.10.in-addr.arpa", "0.241.10.in-addr.arpa", "h4z"] {
                assert_eq!(
                    world.ask(unknown, PTR).await.shown(),
                    "SERVFAIL",
                    "{unknown}"
                );
            }
        },
    );
}

#[test]
fn networks_are_asked_in_the_order_of_their_names() {
    run("networks_are_asked_in_the_order_of_their_names", || async {
        let world = World::new().await;
        world.zone("h4n", "10.241.0.3\th4b\n10.241.0.9\tonly\n");
        assert_eq!(world.ask("h4b", A).await.shown(), "NOERROR 10.241.0.3");
        world.zone("h4m", "10.242.0.3\th4b\n");
        assert_eq!(world.ask("h4b", A).await.shown(), "NOERROR 10.242.0.3");
        assert_eq!(world.ask("h4b.h4n", A).await.shown(), "NOERROR 10.241.0.3");
        assert_eq!(world.ask("h4b.h4m", A).await.shown(), "NOERROR 10.242.0.3");
        assert_eq!(world.ask("only", A).await.shown(), "NOERROR 10.241.0.9");
        world
            .config
            .send_modify(|config| config.networks.retain(|zone| zone.name != "h4m"));
        assert_eq!(world.ask("h4b", A).await.shown(), "NOERROR 10.241.0.3");
    });
}

#[test]
fn names_come_and_go_with_the_zone() {
    run("names_come_and_go_with_the_zone", || async {
        let world = World::new().await;
        world.zone("h4n", "10.0.0.2\told\n");
        assert_eq!(world.ask("old", A).await.shown(), "NOERROR 10.0.0.2");
        world.zone("h4n", "10.0.0.2\tnew\n");
        assert_eq!(world.ask("old", A).await.shown(), "SERVFAIL");
        assert_eq!(world.ask("new", A).await.shown(), "NOERROR 10.0.0.2");
        std::fs::remove_file(world.dir.path().join("h4n")).unwrap();
        assert_eq!(world.ask("new", A).await.shown(), "SERVFAIL");
    });
}

#[test]
fn links_are_aliases_that_may_lack_their_target() {
    run("links_are_aliases_that_may_lack_their_target", || async {
        let world = World::new().await;
        world.zone("h4n", "10.0.0.2\th4db 111111111111\n10.0.0.3\ttaken\n");
        let link = |alias: &str, target: &str| (alias.into(), target.into(), "h4n".into());
        world.config.send_modify(|config| {
            config.links = vec![
                link("Database", "h4db"),
                link("later", "notyet"),
                link("taken", "h4db"),
            ];
        });
        assert_eq!(world.ask("database", A).await.shown(), "NOERROR 10.0.0.2");
        assert_eq!(
            world.ask("database.h4n", A).await.shown(),
            "NOERROR 10.0.0.2"
        );
        assert_eq!(world.ask("taken", A).await.shown(), "NOERROR 10.0.0.2");
        assert_eq!(world.ask("later", A).await.shown(), "SERVFAIL");
        world.zone("h4n", "10.0.0.4\tnotyet\n");
        assert_eq!(world.ask("later", A).await.shown(), "NOERROR 10.0.0.4");
        assert_eq!(world.ask("database", A).await.shown(), "SERVFAIL");
    });
}

#[test]
fn answers_fit_what_the_client_takes() {
    run("answers_fit_what_the_client_takes", || async {
        let world = World::new().await;
        let zone: String = (1..=250)
            .map(|last| format!("10.0.0.{last}\tc{last} shared\n"))
            .collect();
        world.zone("h4n", &zone);
        let reply = world.ask("shared", A).await;
        assert!(reply.message.metadata.truncation && reply.size <= 512);
        // 512 − 12 of header − 12 of question, 16 an address.
        assert_eq!(reply.message.answers.len(), 30);
        let reply = world
            .ask_message(&with_edns(question("shared", A), 1232))
            .await;
        assert!(reply.message.metadata.truncation && reply.size <= 1232);
        assert!(reply.message.edns.is_some());
        let reply = world
            .ask_message(&with_edns(question("shared", A), 65535))
            .await;
        assert!(!reply.message.metadata.truncation && reply.size <= 4096);
        assert_eq!(reply.message.answers.len(), 250);
        let reply = world
            .ask_message(&with_edns(question("shared", A), 0))
            .await;
        assert!(reply.message.metadata.truncation && reply.size <= 512);
    });
}

#[test]
fn an_unknown_version_of_edns_is_refused() {
    run("an_unknown_version_of_edns_is_refused", || async {
        let world = World::new().await;
        world.zone("h4n", ZONE);
        let mut message = with_edns(question("h4a", A), 1232);
        message.edns.as_mut().unwrap().set_version(1);
        let reply = world.ask_message(&message).await;
        // 16 has two names.
        assert_eq!(u16::from(reply.code()), u16::from(ResponseCode::BADVERS));
        assert_eq!(reply.message.edns.as_ref().unwrap().version(), 0);
        assert_eq!(reply.message.queries, message.queries);
    });
}

#[test]
fn zones_are_not_transferred() {
    run("zones_are_not_transferred", || async {
        let (world, server) = (World::new().await, Server::start().await);
        world.zone("h4n", ZONE);
        world.forward_to(&[server.addr]);
        for name in ["h4a", "example.test"] {
            let reply = world.ask(name, AXFR).await;
            assert_eq!(reply.code(), ResponseCode::Refused, "{name}");
        }
        assert_eq!(server.count(), 0);
    });
}

#[test]
fn a_thousand_names_are_read_once_and_each_is_found() {
    run("a_thousand_names_are_read_once", || async {
        let world = World::new().await;
        let zone: String = (0..1000)
            .map(|n| format!("10.1.{}.{}\tc{n} {n:012x}\n", n / 250, n % 250 + 1))
            .collect();
        world.zone("h4n", &zone);
        for n in [0, 1, 499, 998, 999] {
            let address = format!("NOERROR 10.1.{}.{}", n / 250, n % 250 + 1);
            assert_eq!(world.ask(&format!("c{n}"), A).await.shown(), address);
            let short = format!("{n:012x}.h4n");
            assert_eq!(world.ask(&short, A).await.shown(), address);
        }
        assert_eq!(world.ask("c1000", A).await.shown(), "SERVFAIL");
    });
}

#[test]
fn port_53_leads_to_the_resolver() {
    run("port_53_leads_to_the_resolver", || async {
        let mut world = World::new().await;
        world.zone("h4n", ZONE);
        let mut nft = crate::kernel::nft::Nft::open().unwrap();
        nft.resolver_redirect(world.udp.port(), world.tcp.port())
            .unwrap();
        world.udp.set_port(53);
        assert_eq!(world.ask("h4a", A).await.shown(), "NOERROR 10.241.0.2");
        world.tcp.set_port(53);
        let stream = world.connect().await;
        assert_eq!(stream.peer_addr().unwrap(), world.tcp);
    });
}
