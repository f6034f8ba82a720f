//! Published and exposed ports, and their command-line grammar.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A transport protocol that can be published.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        })
    }
}

/// A port inside a container: `80/tcp`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContainerPort {
    /// 1 to 65535.
    pub port: u16,
    /// Its transport.
    pub protocol: Protocol,
}

/// Which host port was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum HostPort {
    /// Any free one from the host's ephemeral range.
    Ephemeral,
    /// This one.
    Fixed(u16),
    /// The first free one of first..=last.
    FirstOf(u16, u16),
}

/// One published port as asked (`-p`), ranges already expanded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PortBinding {
    /// The container's side.
    pub container: ContainerPort,
    /// Host address; `None` is every address of both families.
    pub host_ip: Option<IpAddr>,
    /// Host port.
    pub host_port: HostPort,
}

/// One published port as bound: what `ps`, `port` and inspect show.
/// A binding without host address makes two of these, `0.0.0.0` and `::`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PublishedPort {
    /// The container's side.
    pub container: ContainerPort,
    /// Host address, `0.0.0.0` and `::` for all.
    pub host_ip: IpAddr,
    /// Host port.
    pub host_port: u16,
}
