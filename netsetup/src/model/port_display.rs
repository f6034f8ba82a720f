//! The PORTS column of `ps`, and the lines of `port`.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::natural_order::natural;
use super::port::{ContainerPort, PublishedPort};

/// One entry of a container's ports: published, or only exposed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PortEntry {
    /// Host address; `None` when only exposed.
    pub ip: Option<IpAddr>,
    /// Host port; `None` when only exposed.
    pub host: Option<u16>,
    /// The container's side.
    pub container: ContainerPort,
}

impl From<&PublishedPort> for PortEntry {
    fn from(port: &PublishedPort) -> PortEntry {
        PortEntry {
            ip: Some(port.host_ip),
            host: Some(port.host_port),
            container: port.container,
        }
    }
}

impl From<ContainerPort> for PortEntry {
    fn from(container: ContainerPort) -> PortEntry {
        PortEntry {
            ip: None,
            host: None,
            container,
        }
    }
}

/// The entries of a container: all published ports and those exposed ports that are not published.
pub fn entries(exposed: &[ContainerPort], published: &[PublishedPort]) -> Vec<PortEntry> {
    let only_exposed = exposed.iter().filter(|port| {
        !published
            .iter()
            .any(|published| published.container == **port)
    });
    published
        .iter()
        .map(PortEntry::from)
        .chain(only_exposed.map(|port| (*port).into()))
        .collect()
}

/// A run of consecutive ports that are shown as one, `9000-9002->9000-9002/tcp`.
struct Run {
    /// Address and protocol that the ports have in common.
    key: (Option<IpAddr>, super::port::Protocol),
    first: u16,
    last: u16,
}

impl Run {
    fn show(&self) -> String {
        let ports = if self.first == self.last {
            self.first.to_string()
        } else {
            format!("{}-{}", self.first, self.last)
        };
        let (address, protocol) = self.key;
        match address {
            None => format!("{ports}/{protocol}"),
            Some(IpAddr::V4(ip)) => format!("{ip}:{ports}->{ports}/{protocol}"),
            Some(IpAddr::V6(ip)) => format!("[{ip}]:{ports}->{ports}/{protocol}"),
        }
    }
}

/// `0.0.0.0:8080->80/tcp, [::]:8080->80/tcp`: entries with equal numbers on both sides and
/// unpublished ones come first, grouped to ranges; then the rest in order.
pub fn column(entries: &[PortEntry]) -> String {
    let mut sorted: Vec<&PortEntry> = entries.iter().collect();
    sorted.sort_by_cached_key(|entry| {
        // Docker compares addresses as texts.
        let address = entry.ip.map(|ip| ip.to_string()).unwrap_or_default();
        (
            entry.container.port,
            address,
            entry.host.unwrap_or(0),
            entry.container.protocol,
        )
    });
    let mut finished = Vec::new();
    let mut open: Vec<Run> = Vec::new();
    let mut mapped = Vec::new();
    for entry in sorted {
        let ContainerPort { port, protocol } = entry.container;
        if let (Some(ip), Some(host)) = (entry.ip, entry.host)
            && host != port
        {
            mapped.push(format!(
                "{}->{}",
                SocketAddr::new(ip, host),
                entry.container
            ));
            continue;
        }
        let key = (entry.ip, protocol);
        match open.iter_mut().find(|run| run.key == key) {
            None => open.push(Run {
                key,
                first: port,
                last: port,
            }),
            Some(run) if run.last.checked_add(1) == Some(port) => run.last = port,
            Some(run) => {
                finished.push(run.show());
                (run.first, run.last) = (port, port);
            }
        }
    }
    finished.extend(open.iter().map(Run::show));
    finished.append(&mut mapped);
    finished.join(", ")
}

/// The lines of `port CONTAINER`: `80/tcp -> 0.0.0.0:8080`, in natural order.
pub fn lines(published: &[PublishedPort]) -> Vec<String> {
    let mut lines: Vec<String> = published
        .iter()
        .map(|port| format!("{} -> {}", port.container, host_side(port)))
        .collect();
    lines.sort_by(|a, b| natural(a, b));
    lines
}

/// `0.0.0.0:8080` or `[::]:8080`; without the number where there is no host port.
pub fn host_side(port: &PublishedPort) -> String {
    let text = SocketAddr::new(port.host_ip, port.host_port).to_string();
    match port.host_port {
        0 => text.trim_end_matches('0').to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ip|host|port/proto`, or just `port/proto` for an exposed one.
    fn entry(text: &str) -> PortEntry {
        let parts: Vec<&str> = text.split('|').collect();
        match parts[..] {
            [ip, host, container] => PortEntry {
                ip: Some(ip.parse().unwrap()),
                host: Some(host.parse().unwrap()),
                container: container.parse().unwrap(),
            },
            _ => text.parse::<ContainerPort>().unwrap().into(),
        }
    }

    fn shown(texts: &[&str]) -> String {
        column(&texts.iter().map(|text| entry(text)).collect::<Vec<_>>())
    }

    #[test]
    fn the_ports_column_is_grouped_and_ordered_as_dockers() {
        assert_eq!(shown(&[]), "");
        assert_eq!(shown(&["80/tcp"]), "80/tcp");
        assert_eq!(
            shown(&["::|8080|80/tcp", "0.0.0.0|8080|80/tcp", "5353/udp"]),
            "5353/udp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"
        );
        assert_eq!(
            shown(&[
                "80/tcp", "5353/udp", "1000/tcp", "1001/tcp", "1002/tcp", "1003/tcp", "1004/tcp",
                "1005/tcp", "1007/tcp"
            ]),
            "80/tcp, 1000-1005/tcp, 1007/tcp, 5353/udp"
        );
    }

    #[test]
    fn equal_numbers_on_both_sides_make_ranges_before_the_mapped_ones() {
        let mut texts = vec!["80/tcp".to_owned(), "5353/udp".to_owned()];
        for port in 9200..=9206 {
            texts.push(format!("0.0.0.0|{port}|{port}/tcp"));
            texts.push(format!("::|{port}|{port}/tcp"));
        }
        texts.push("0.0.0.0|9300|9300/tcp".to_owned());
        texts.push("::|9300|9300/tcp".to_owned());
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        assert_eq!(
            shown(&texts),
            "0.0.0.0:9200-9206->9200-9206/tcp, [::]:9200-9206->9200-9206/tcp, 80/tcp, 5353/udp, \
             0.0.0.0:9300->9300/tcp, [::]:9300->9300/tcp"
        );
    }

    #[test]
    fn one_container_port_on_several_host_ports_is_sorted_by_address_text_then_port() {
        assert_eq!(
            shown(&[
                "5353/udp",
                "198.51.100.2|8092|80/tcp",
                "0.0.0.0|8091|80/tcp",
                "::|8091|80/tcp",
                "0.0.0.0|8090|80/tcp",
                "::|8090|80/tcp",
            ]),
            "5353/udp, 0.0.0.0:8090->80/tcp, 0.0.0.0:8091->80/tcp, 198.51.100.2:8092->80/tcp, \
             [::]:8090->80/tcp, [::]:8091->80/tcp"
        );
    }

    #[test]
    fn exposed_ports_disappear_behind_their_published_selves() {
        let published = [PublishedPort {
            container: "80/tcp".parse().unwrap(),
            host_ip: "127.0.0.1".parse().unwrap(),
            host_port: 8081,
        }];
        let exposed = ["80/tcp".parse().unwrap(), "5353/udp".parse().unwrap()];
        assert_eq!(
            column(&entries(&exposed, &published)),
            "5353/udp, 127.0.0.1:8081->80/tcp"
        );
    }

    #[test]
    fn port_lines_are_sorted_by_container_port() {
        let port = |container: &str, ip: &str, host_port| PublishedPort {
            container: container.parse().unwrap(),
            host_ip: ip.parse().unwrap(),
            host_port,
        };
        assert_eq!(
            lines(&[
                port("5353/udp", "0.0.0.0", 8085),
                port("80/tcp", "::", 8090),
                port("80/tcp", "198.51.100.2", 8092),
                port("80/tcp", "0.0.0.0", 8091),
                port("80/tcp", "0.0.0.0", 8090),
            ]),
            [
                "80/tcp -> 0.0.0.0:8090",
                "80/tcp -> 0.0.0.0:8091",
                "80/tcp -> 198.51.100.2:8092",
                "80/tcp -> [::]:8090",
                "5353/udp -> 0.0.0.0:8085"
            ]
        );
    }
}
