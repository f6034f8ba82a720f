//! The words of `-p`, `--expose` and `docker port`, with Docker's error texts.

use std::net::{IpAddr, Ipv6Addr};

use super::port::{ContainerPort, HostPort, PortBinding, Protocol, ProtocolError};
use super::strconv::{StrconvError, parse_port};

/// Why a `-p` or `--expose` value was refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PortSpecError {
    /// No container port.
    #[error("no port specified: {0}<empty>")]
    NoPort(String),
    /// The container's side is not a port or a range of ports.
    #[error("invalid containerPort: {0}")]
    ContainerPort(String),
    /// The host's side is not a port or a range of ports.
    #[error("invalid hostPort: {0}")]
    HostPort(String),
    /// Two ranges of different lengths.
    #[error("invalid ranges specified for container and host Ports: {container} and {host}")]
    Ranges {
        /// The container's range as typed.
        container: String,
        /// The host's range as typed.
        host: String,
    },
    /// The host address is none.
    #[error("invalid IP address: {0}")]
    Address(String),
    /// An address that opens a bracket and does not close it.
    #[error("invalid IP address {0}: address {0}:: missing ']' in address")]
    Bracket(String),
    /// The part after the slash.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The long form has a part without `=`.
    #[error("invalid publish opts format (should be name=value but got '{0}')")]
    LongForm(String),
    /// The long form has a name that means nothing here; ignoring it could publish too much.
    #[error("invalid publish option '{0}': use published, target and protocol")]
    LongFormKey(String),
    /// `--expose` publishes nothing, so it has one side only.
    #[error("invalid port format for --expose: {0}")]
    ExposeColon(String),
    /// `--expose` is not a port or a range.
    #[error("invalid range format for --expose: {spec}, error: {reason}")]
    ExposeRange {
        /// The value as typed.
        spec: String,
        /// What is wrong with it.
        reason: PortRangeError,
    },
}

/// Why a text is not `N` or `N-M`.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PortRangeError {
    /// Nothing there.
    #[error("empty string specified for ports")]
    Empty,
    /// The end comes before the start.
    #[error("invalid range specified for port: {0}")]
    Backwards(String),
    /// Port 0 is no port inside a container.
    #[error("port 0 cannot be exposed")]
    Zero,
    /// Not a number.
    #[error(transparent)]
    Number(#[from] StrconvError),
}

/// Why the second argument of `port` was refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PortQueryError {
    /// Not a number.
    #[error("Error: invalid port ({port}): {reason}")]
    Number {
        /// The text before the slash.
        port: String,
        /// What is wrong with it.
        reason: StrconvError,
    },
    /// A port of a container that is not published (also for protocols that cannot be).
    #[error("Error: No public port '{query}' published for {container}")]
    NotPublished {
        /// The argument as typed.
        query: String,
        /// The container as typed.
        container: String,
    },
}

fn parse_range(text: &str) -> Result<(u16, u16), PortRangeError> {
    if text.is_empty() {
        return Err(PortRangeError::Empty);
    }
    let Some((first, last)) = text.split_once('-') else {
        let port = parse_port(text)?;
        return Ok((port, port));
    };
    let (first, last) = (parse_port(first)?, parse_port(last)?);
    if last < first {
        return Err(PortRangeError::Backwards(text.to_owned()));
    }
    Ok((first, last))
}

/// `80/tcp` → (`80`, `tcp`); without a protocol it is tcp, without a port all is empty.
fn split_protocol(text: &str) -> (&str, &str) {
    match text.split_once('/') {
        None => (text, "tcp"),
        Some(("", _)) => ("", ""),
        Some((port, "")) => (port, "tcp"),
        Some((port, protocol)) => (port, protocol),
    }
}

/// Address, host port and container port of `[[IP:][HOST]:]CONTAINER`.
fn split_parts(spec: &str) -> (&str, &str, &str) {
    let Some((rest, container)) = spec.rsplit_once(':') else {
        return ("", "", spec);
    };
    match rest.rsplit_once(':') {
        None => ("", rest, container),
        Some((address, host)) => (address, host, container),
    }
}

fn parse_address(text: &str) -> Result<Option<IpAddr>, PortSpecError> {
    if text.is_empty() {
        return Ok(None);
    }
    let bad = || PortSpecError::Address(text.to_owned());
    if let Some(inner) = text.strip_prefix('[') {
        if !inner.contains(']') {
            return Err(PortSpecError::Bracket(text.to_owned()));
        }
        let address: Ipv6Addr = inner
            .strip_suffix(']')
            .ok_or_else(bad)?
            .parse()
            .map_err(|_| bad())?;
        return Ok(Some(IpAddr::V6(address).to_canonical()));
    }
    text.parse()
        .map(|address: IpAddr| Some(address.to_canonical()))
        .map_err(|_| bad())
}

/// One value of `-p`, ranges expanded: `8080:80`, `127.0.0.1::80`, `9000-9002:9000-9002/udp`,
/// `[::1]:8089:80`, `80` or `published=8094,target=80,protocol=tcp`.
pub fn parse_publish(spec: &str) -> Result<Vec<PortBinding>, PortSpecError> {
    if spec.contains('=') {
        return parse_short(&from_long_form(spec)?);
    }
    parse_short(spec)
}

fn from_long_form(spec: &str) -> Result<String, PortSpecError> {
    let (mut published, mut target, mut protocol) = ("", "", "tcp");
    for part in spec.split(',') {
        match part.split_once('=') {
            None | Some(("", _)) => return Err(PortSpecError::LongForm(part.to_owned())),
            Some(("published", value)) => published = value,
            Some(("target", value)) => target = value,
            Some(("protocol", value)) => protocol = value,
            // Both of swarm's modes mean the same on one host.
            Some(("mode", "host" | "ingress")) => {}
            Some((key, _)) => return Err(PortSpecError::LongFormKey(key.to_owned())),
        }
    }
    Ok(format!("{published}:{target}/{protocol}"))
}

fn parse_short(spec: &str) -> Result<Vec<PortBinding>, PortSpecError> {
    let (address, host, container) = split_parts(spec);
    let (container, protocol) = split_protocol(container);
    let host_ip = parse_address(address)?;
    if container.is_empty() {
        return Err(PortSpecError::NoPort(spec.to_owned()));
    }
    let bad_container = || PortSpecError::ContainerPort(container.to_owned());
    let (first, last) = parse_range(container).map_err(|_| bad_container())?;
    if first == 0 {
        return Err(bad_container());
    }
    let bad_host = || PortSpecError::HostPort(host.to_owned());
    let host_range = match host {
        "" => None,
        _ => Some(parse_range(host).map_err(|_| bad_host())?),
    };
    if let Some((host_first, host_last)) = host_range {
        if host_last - host_first != last - first && first != last {
            return Err(PortSpecError::Ranges {
                container: container.to_owned(),
                host: host.to_owned(),
            });
        }
        if host_first == 0 && host_last != 0 {
            return Err(bad_host());
        }
    }
    let protocol: Protocol = protocol.parse()?;
    let host_port = |offset: u16| match host_range {
        None | Some((0, 0)) => HostPort::Ephemeral,
        Some((host_first, host_last)) if first == last && host_first != host_last => {
            HostPort::FirstOf(host_first, host_last)
        }
        Some((host_first, _)) => HostPort::Fixed(host_first + offset),
    };
    Ok((first..=last)
        .map(|port| PortBinding {
            container: ContainerPort { port, protocol },
            host_ip,
            host_port: host_port(port - first),
        })
        .collect())
}

/// One value of `--expose`, ranges expanded: `80`, `7000-7002/udp`.
pub fn parse_expose(spec: &str) -> Result<Vec<ContainerPort>, PortSpecError> {
    if spec.contains(':') {
        return Err(PortSpecError::ExposeColon(spec.to_owned()));
    }
    let (ports, protocol) = split_protocol(spec);
    let (first, last) = parse_range(ports)
        .and_then(|range| {
            if range.0 == 0 {
                Err(PortRangeError::Zero)
            } else {
                Ok(range)
            }
        })
        .map_err(|reason| PortSpecError::ExposeRange {
            spec: spec.to_owned(),
            reason,
        })?;
    let protocol = protocol.parse()?;
    Ok((first..=last)
        .map(|port| ContainerPort { port, protocol })
        .collect())
}

/// The second argument of `port CONTAINER PORT[/PROTOCOL]`.
pub fn parse_query(query: &str, container: &str) -> Result<ContainerPort, PortQueryError> {
    let (port, protocol) = query.split_once('/').unwrap_or((query, ""));
    let number = parse_port(port).map_err(|reason| PortQueryError::Number {
        port: port.to_owned(),
        reason,
    })?;
    let protocol = match protocol {
        "" => Ok(Protocol::Tcp),
        _ => protocol.parse(),
    };
    protocol
        .map(|protocol| ContainerPort {
            port: number,
            protocol,
        })
        .map_err(|_| PortQueryError::NotPublished {
            query: query.to_owned(),
            container: container.to_owned(),
        })
}

#[cfg(test)]
mod tests;
