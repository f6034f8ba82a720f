//! What is sent over netlink and what nft(8) makes of the same in words are the same.

use crate::kernel::nft::Nft;
use crate::kernel::nft::lines::{
    TABLE_TEXT, network_lines, port_lines, reach_lines, resolver_lines,
};
use crate::kernel::testing::{Machine, apart, network, output, published};
use crate::model::network_options::GatewayMode;
use crate::model::port::{ContainerPort, Protocol};
use crate::plan::step::BridgeStep;

fn table() -> String {
    output("nft", &["-s", "list", "table", "inet", "rbox"])
}

/// Runs nft's words in the thread's namespace.
fn run(lines: &str) {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut nft = Command::new("nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = nft.stdin.take().unwrap();
    stdin.write_all(lines.as_bytes()).unwrap();
    drop(stdin);
    assert!(nft.wait().unwrap().success(), "{lines}");
}

/// Lines and elements: those of a hash have no order.
fn in_order(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = text
        .replace("elements = {", "")
        .split(['\n', ','])
        .map(|part| part.trim().trim_end_matches('}').trim().to_owned())
        .collect();
    parts.sort_unstable();
    parts
}

#[test]
fn the_tables_text_is_the_table() {
    if !apart("the_tables_text_is_the_table") {
        return;
    }
    Nft::open().unwrap().ensure_table().unwrap();
    let made = table();
    if std::env::var_os("RBOX_BLESS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/kernel/nft/table.nft");
        std::fs::write(path, &made).unwrap();
        return;
    }
    assert_eq!(made, TABLE_TEXT, "RBOX_BLESS=1 writes table.nft anew");
    Machine::new().inside(|| {
        run(TABLE_TEXT);
        assert_eq!(table(), TABLE_TEXT, "it reads back as it is");
    });
}

#[test]
fn elements_in_words_are_the_elements() {
    if !apart("elements_in_words_are_the_elements") {
        return;
    }
    let mut bridges: Vec<BridgeStep> = vec![
        network("br-a", &["10.1.0.1/16", "fd00:a::1/64"]),
        network("br-b", &["10.2.0.1/24"]),
        network("br-c", &["10.3.0.1/24", "fd00:c::1/64"]),
        network("br-d", &["10.4.0.1/24", "fd00:d::1/64"]),
    ];
    (bridges[1].internal, bridges[1].icc) = (true, false);
    bridges[2].gateway4 = GatewayMode::Routed;
    bridges[2].gateway6 = GatewayMode::NatUnprotected;
    bridges[2].trusted = vec!["eth7".to_owned()];
    bridges[3].host_addresses = vec!["198.51.100.9".parse().unwrap()];
    let ports = [
        published("0.0.0.0", 8080, 80, Protocol::Tcp),
        published("198.51.100.2", 53, 53, Protocol::Udp),
    ];
    let to = "10.1.0.2".parse().unwrap();
    let shortcuts = ["10.4.0.0/24".parse().unwrap()];
    let open = [ContainerPort {
        port: 443,
        protocol: Protocol::Tcp,
    }];
    let at = "fd00:c::2".parse().unwrap();
    let interfaces = ["eth7".to_owned()];

    let mut nft = Nft::open().unwrap();
    nft.ensure_table().unwrap();
    let mut words = vec![TABLE_TEXT.to_owned()];
    for bridge in &bridges {
        nft.network_add(bridge).unwrap();
        words.extend(network_lines(bridge));
    }
    nft.ports_add(&ports, to, &shortcuts, "me").unwrap();
    words.extend(port_lines(&ports, to, &shortcuts, "me"));
    nft.reach_add(&open, at, &interfaces, "me").unwrap();
    words.extend(reach_lines(&open, at, &interfaces, "me"));
    let sent = table();
    Machine::new().inside(|| {
        run(&words.join("\n"));
        assert_eq!(in_order(&table()), in_order(&sent));
    });
}

#[test]
fn the_redirection_to_the_resolver_is_the_same_in_words() {
    if !apart("the_redirection_to_the_resolver_is_the_same_in_words") {
        return;
    }
    let list = || output("nft", &["-s", "list", "ruleset"]);
    Nft::open().unwrap().resolver_redirect(4053, 4054).unwrap();
    let sent = list();
    Machine::new().inside(|| {
        run(&resolver_lines("4053", "4054").join("\n"));
        assert_eq!(list(), sent);
    });
}
