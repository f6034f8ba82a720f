//! `[[IP:]HOST:]CONTAINER[/PROTOCOL]`, each part but the first possibly a range.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::super::error::LoadError;
use super::super::node::Node;
use super::Base;

/// Room that a port takes, by which their number is bounded.
const BYTES: usize = 64;

/// The long forms of one entry.
pub fn long(item: Node, place: &str, base: &Base) -> Result<Vec<Node>, LoadError> {
    let Some(text) = base.short(&item) else {
        return Ok(vec![item]);
    };
    let at = &item.at;
    let bad = |why: String| LoadError::at(at, place, why);
    let short = Short::read(text).map_err(bad)?;
    let mut made = Vec::new();
    for (index, target) in short.targets.clone().enumerate() {
        if !base.expansions.charge(BYTES) {
            return Err(bad("too many ports".to_owned()));
        }
        let published = match &short.published {
            None => None,
            Some(ports) if short.targets.len() == 1 && ports.len() > 1 => {
                Some(format!("{}-{}", ports.start(), ports.end()))
            }
            Some(ports) => Some((usize::from(*ports.start()) + index).to_string()),
        };
        let mut fields = vec![
            ("target", Node::integer(at, i64::from(target))),
            ("protocol", Node::text(at, short.protocol.as_str())),
        ];
        fields.extend(published.map(|ports| ("published", Node::text(at, ports))));
        fields.extend(
            short
                .address
                .map(|ip| ("host_ip", Node::text(at, ip.to_string()))),
        );
        let mut node = Node::mapping(at, fields);
        node.merge = item.merge;
        made.push(node);
    }
    Ok(made)
}

struct Short {
    address: Option<IpAddr>,
    published: Option<RangeInclusive<u16>>,
    targets: RangeInclusive<u16>,
    protocol: String,
}

impl Short {
    fn read(text: &str) -> Result<Short, String> {
        let (ports, protocol) = match text.split_once('/') {
            Some((ports, protocol)) => (ports, protocol.to_ascii_lowercase()),
            None => (text, "tcp".to_owned()),
        };
        let (host, container) = match ports.rsplit_once(':') {
            Some((host, container)) => (Some(host), container),
            None => (None, ports),
        };
        let (address, published) = match host.map(|host| (host, host.rsplit_once(':'))) {
            None => (None, None),
            Some((_, Some((address, published)))) => (Some(address), Some(published)),
            Some((published, None)) => (None, Some(published)),
        };
        if container.is_empty() {
            return Err(format!("no port specified: {text}"));
        }
        let targets = range(container)
            .filter(|targets| *targets.start() > 0)
            .ok_or_else(|| format!("invalid containerPort: {container}"))?;
        let published = published
            .filter(|published| !published.is_empty())
            .map(|it| range(it).ok_or_else(|| format!("invalid hostPort: {it}")))
            .transpose()?;
        if let Some(published) = &published
            && published.len() != targets.len()
            && targets.len() != 1
        {
            return Err(format!(
                "invalid ranges specified for container and host Ports: {container} and {}-{}",
                published.start(),
                published.end()
            ));
        }
        let address = address
            .filter(|address| !address.is_empty())
            .map(|address| {
                let bare = address
                    .strip_prefix('[')
                    .and_then(|it| it.strip_suffix(']'));
                let parsed = bare.unwrap_or(address).parse();
                parsed.map_err(|_| format!("invalid IP address: {address}"))
            })
            .transpose()?;
        Ok(Short {
            address,
            published,
            targets,
            protocol,
        })
    }
}

/// `80` or `80-90`.
pub fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let range = first.parse().ok()?..=last.parse().ok()?;
    (plain(first) && plain(last) && range.start() <= range.end()).then_some(range)
}
