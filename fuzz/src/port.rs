//! `-p`, `--expose` and the argument of `port`: what is understood is told back in the same words.

use rbox_netsetup::model::port::{HostPort, PortBinding};
use rbox_netsetup::model::port_grammar::{parse_expose, parse_publish, parse_query};

/// Ports that there are.
const PORTS: usize = 65_535;

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match parse_publish(&text) {
        Ok(bindings) => {
            assert!((1..=PORTS).contains(&bindings.len()));
            // Of a large range the ends are enough.
            for binding in bindings.iter().take(3).chain(bindings.last()) {
                check(binding);
                assert_eq!(
                    parse_publish(&shown(binding)).unwrap(),
                    std::slice::from_ref(binding)
                );
            }
            let ports = |binding: &PortBinding| binding.container;
            assert!(bindings.iter().map(ports).is_sorted());
        }
        Err(error) => assert_short(&error, &text),
    }
    match parse_expose(&text) {
        Ok(ports) => {
            assert!((1..=PORTS).contains(&ports.len()));
            for port in ports.iter().take(3).chain(ports.last()) {
                assert_ne!(port.port, 0);
                assert_eq!(parse_expose(&port.to_string()).unwrap(), [*port]);
                assert_eq!(port.to_string().parse(), Ok(*port));
            }
        }
        Err(error) => assert_short(&error, &text),
    }
    match parse_query(&text, "box") {
        Ok(port) => assert_eq!(parse_query(&port.to_string(), "box"), Ok(port)),
        Err(error) => assert_short(&error, &text),
    }
}

fn check(binding: &PortBinding) {
    assert_ne!(binding.container.port, 0);
    match binding.host_port {
        HostPort::Ephemeral => {}
        HostPort::Fixed(port) => assert_ne!(port, 0),
        HostPort::FirstOf(first, last) => assert!(first != 0 && first < last),
    }
}

/// As one would type it.
fn shown(binding: &PortBinding) -> String {
    let (host, container) = (binding.host_port, binding.container);
    match binding.host_ip {
        None => format!("{host}:{container}"),
        Some(ip) if ip.is_ipv6() => format!("[{ip}]:{host}:{container}"),
        Some(ip) => format!("{ip}:{host}:{container}"),
    }
}

/// A message repeats what was typed (escaped), a few times at most.
fn assert_short(error: &dyn std::fmt::Display, text: &str) {
    assert!(error.to_string().len() <= 40 * text.len() + 200);
}
