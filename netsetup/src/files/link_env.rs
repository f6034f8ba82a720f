//! Environment variables that `--link` on the default bridge gives the consumer.
//!
//! Their order is part of the format: the first port, the ends of each range
//! of neighbouring ports, each port, the name, the source's own environment.

use std::net::IpAddr;

use crate::model::port::{ContainerPort, Protocol};

/// One linked container, seen from its consumer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkEnvInput<'a> {
    /// Name that the consumer chose.
    pub alias: &'a str,
    /// Name of the consumer, without a slash.
    pub consumer: &'a str,
    /// Address of the source on the default bridge.
    pub ip: IpAddr,
    /// Ports that the source exposes, in any order.
    pub ports: &'a [ContainerPort],
    /// Environment of the source, `K=V`.
    pub env: &'a [String],
}

/// The variables as `K=V`, each key once.
pub fn link_env(input: &LinkEnvInput<'_>) -> Vec<String> {
    let prefix = input.alias.to_uppercase().replace('-', "_");
    let ip = input.ip;
    let mut ports = input.ports.to_vec();
    ports.sort_by_key(|port| (port.protocol, port.port));
    ports.dedup();
    let mut vars = Variables::default();

    if let Some(first) = ports.first() {
        vars.set(format!("{prefix}_PORT"), url(*first, ip));
    }
    for range in ranges(&ports) {
        if let [start, .., end] = range {
            let key = port_key(&prefix, *start);
            vars.set(format!("{key}_START"), url(*start, ip));
            vars.set(format!("{key}_ADDR"), ip.to_string());
            vars.set(format!("{key}_PROTO"), start.protocol.to_string());
            vars.set(format!("{key}_PORT_START"), start.port.to_string());
            vars.set(format!("{key}_END"), url(*end, ip));
            vars.set(format!("{key}_PORT_END"), end.port.to_string());
        }
    }
    for port in &ports {
        let key = port_key(&prefix, *port);
        vars.set(key.clone(), url(*port, ip));
        vars.set(format!("{key}_ADDR"), ip.to_string());
        vars.set(format!("{key}_PORT"), port.port.to_string());
        vars.set(format!("{key}_PROTO"), port.protocol.to_string());
    }
    vars.set(
        format!("{prefix}_NAME"),
        format!("/{}/{}", input.consumer, input.alias),
    );
    for variable in input.env {
        match variable.split_once('=') {
            // Every image sets them, and they say nothing about the linked service.
            None | Some(("PATH" | "HOME", _)) => {}
            Some((key, value)) => vars.set(format!("{prefix}_ENV_{key}"), value.to_owned()),
        }
    }
    vars.0
        .into_iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect()
}

/// A key that is set again keeps its first place.
#[derive(Default)]
struct Variables(Vec<(String, String)>);

impl Variables {
    fn set(&mut self, key: String, value: String) {
        match self.0.iter_mut().find(|(present, _)| *present == key) {
            Some((_, present)) => *present = value,
            None => self.0.push((key, value)),
        }
    }
}

fn url(port: ContainerPort, ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => format!("{}://{ip}:{}", port.protocol, port.port),
        IpAddr::V6(ip) => format!("{}://[{ip}]:{}", port.protocol, port.port),
    }
}

fn port_key(prefix: &str, port: ContainerPort) -> String {
    let protocol = match port.protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
    };
    format!("{prefix}_PORT_{}_{protocol}", port.port)
}

/// Runs of neighbouring ports of one protocol in a sorted list.
fn ranges(ports: &[ContainerPort]) -> impl Iterator<Item = &[ContainerPort]> {
    ports.chunk_by(|a, b| a.protocol == b.protocol && a.port.checked_add(1) == Some(b.port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(port: u16, protocol: Protocol) -> ContainerPort {
        ContainerPort { port, protocol }
    }

    #[test]
    fn ports_ranges_and_environment_come_in_dockers_order() {
        let ports = [
            port(8125, Protocol::Udp),
            port(7001, Protocol::Tcp),
            port(5432, Protocol::Tcp),
            port(7000, Protocol::Tcp),
            port(80, Protocol::Tcp),
            port(7002, Protocol::Tcp),
        ];
        let env = [
            "PATH=/bin".into(),
            "EMPTY=".into(),
            "DB_USER=admin".into(),
            "HOME=/x".into(),
        ];
        let got = link_env(&LinkEnvInput {
            alias: "database",
            consumer: "h4app",
            ip: "172.17.0.2".parse().unwrap(),
            ports: &ports,
            env: &env,
        });
        let wanted = "DATABASE_PORT=tcp://172.17.0.2:80
DATABASE_PORT_7000_TCP_START=tcp://172.17.0.2:7000
DATABASE_PORT_7000_TCP_ADDR=172.17.0.2
DATABASE_PORT_7000_TCP_PROTO=tcp
DATABASE_PORT_7000_TCP_PORT_START=7000
DATABASE_PORT_7000_TCP_END=tcp://172.17.0.2:7002
DATABASE_PORT_7000_TCP_PORT_END=7002
DATABASE_PORT_80_TCP=tcp://172.17.0.2:80
DATABASE_PORT_80_TCP_ADDR=172.17.0.2
DATABASE_PORT_80_TCP_PORT=80
DATABASE_PORT_80_TCP_PROTO=tcp
DATABASE_PORT_5432_TCP=tcp://172.17.0.2:5432
DATABASE_PORT_5432_TCP_ADDR=172.17.0.2
DATABASE_PORT_5432_TCP_PORT=5432
DATABASE_PORT_5432_TCP_PROTO=tcp
DATABASE_PORT_7000_TCP=tcp://172.17.0.2:7000
DATABASE_PORT_7000_TCP_PORT=7000
DATABASE_PORT_7001_TCP=tcp://172.17.0.2:7001
DATABASE_PORT_7001_TCP_ADDR=172.17.0.2
DATABASE_PORT_7001_TCP_PORT=7001
DATABASE_PORT_7001_TCP_PROTO=tcp
DATABASE_PORT_7002_TCP=tcp://172.17.0.2:7002
DATABASE_PORT_7002_TCP_ADDR=172.17.0.2
DATABASE_PORT_7002_TCP_PORT=7002
DATABASE_PORT_7002_TCP_PROTO=tcp
DATABASE_PORT_8125_UDP=udp://172.17.0.2:8125
DATABASE_PORT_8125_UDP_ADDR=172.17.0.2
DATABASE_PORT_8125_UDP_PORT=8125
DATABASE_PORT_8125_UDP_PROTO=udp
DATABASE_NAME=/h4app/database
DATABASE_ENV_EMPTY=
DATABASE_ENV_DB_USER=admin";
        assert_eq!(got.join("\n"), wanted);
    }

    #[test]
    fn only_hyphens_change_in_the_prefix() {
        let got = link_env(&LinkEnvInput {
            alias: "my-alias.x",
            consumer: "app",
            ip: "172.17.0.2".parse().unwrap(),
            ports: &[],
            env: &["novalue".into()],
        });
        assert_eq!(got, ["MY_ALIAS.X_NAME=/app/my-alias.x"]);
    }

    #[test]
    fn without_tcp_the_first_udp_port_is_the_port() {
        let got = link_env(&LinkEnvInput {
            alias: "d",
            consumer: "app",
            ip: "172.17.0.2".parse().unwrap(),
            ports: &[port(53, Protocol::Udp), port(53, Protocol::Udp)],
            env: &[],
        });
        assert_eq!(got[0], "D_PORT=udp://172.17.0.2:53");
        assert_eq!(got.len(), 6);
    }
}
