//! Published and exposed ports, and their command-line grammar.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

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

/// The text is neither `tcp` nor `udp`.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProtocolError {
    /// Docker knows it, rbox does not publish it.
    #[error("unsupported protocol: sctp")]
    Sctp,
    /// Nobody knows it.
    #[error("invalid proto: {0}")]
    Unknown(String),
}

impl FromStr for Protocol {
    type Err = ProtocolError;

    fn from_str(text: &str) -> Result<Self, ProtocolError> {
        match text.to_ascii_lowercase().as_str() {
            "tcp" => Ok(Protocol::Tcp),
            "udp" => Ok(Protocol::Udp),
            "sctp" => Err(ProtocolError::Sctp),
            _ => Err(ProtocolError::Unknown(text.to_owned())),
        }
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

/// The text is not `PORT` or `PORT/PROTOCOL`.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ContainerPortError {
    /// Not a number of 1 to 65535.
    #[error("invalid containerPort: {0}")]
    Port(String),
    /// The part after the slash.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}

impl fmt::Display for ContainerPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.port, self.protocol)
    }
}

impl FromStr for ContainerPort {
    type Err = ContainerPortError;

    fn from_str(text: &str) -> Result<Self, ContainerPortError> {
        let (number, protocol) = match text.split_once('/') {
            Some((number, protocol)) => (number, protocol.parse()?),
            None => (text, Protocol::Tcp),
        };
        let bad = || ContainerPortError::Port(number.to_owned());
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad());
        }
        match number.parse() {
            Ok(0) | Err(_) => Err(bad()),
            Ok(port) => Ok(ContainerPort { port, protocol }),
        }
    }
}

impl TryFrom<String> for ContainerPort {
    type Error = ContainerPortError;

    fn try_from(text: String) -> Result<Self, ContainerPortError> {
        text.parse()
    }
}

impl From<ContainerPort> for String {
    fn from(port: ContainerPort) -> String {
        port.to_string()
    }
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

/// `8080`, `9100-9110`, or nothing for any free one, as inspect shows it.
impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostPort::Ephemeral => Ok(()),
            HostPort::Fixed(port) => write!(f, "{port}"),
            HostPort::FirstOf(first, last) => write!(f, "{first}-{last}"),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn container_ports_read_and_print_the_same_text() {
        for text in ["80/tcp", "5353/udp", "65535/tcp"] {
            assert_eq!(text.parse::<ContainerPort>().unwrap().to_string(), text);
        }
        assert_eq!("80".parse::<ContainerPort>().unwrap().to_string(), "80/tcp");
        assert_eq!(
            serde_json::to_string(&ContainerPort::try_from("80/UDP".to_owned()).unwrap()).unwrap(),
            "\"80/udp\""
        );
        for (text, error) in [
            ("", "invalid containerPort: "),
            ("0", "invalid containerPort: 0"),
            ("+80", "invalid containerPort: +80"),
            ("65536/tcp", "invalid containerPort: 65536"),
            ("80/foo", "invalid proto: foo"),
            ("80/sctp", "unsupported protocol: sctp"),
        ] {
            assert_eq!(
                text.parse::<ContainerPort>().unwrap_err().to_string(),
                error
            );
        }
    }
}
