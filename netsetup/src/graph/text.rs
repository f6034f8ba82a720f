//! The picture for a terminal: 80 columns, the same when piped.
//!
//! ```text
//! eth0  198.51.100.2/24                    the trunk: the host's way out
//! │
//! ├─ lan  172.18.0.0/16  masqueraded       a branch: a network
//! │  ┌────────────────────┐
//! │  │ br-8e4c3237d108    │                its bridge
//! │  └─┬──────────────────┘
//! │    └─ veth… ── eth0  web               a port and what is plugged in
//! ```

use super::label::{fit, pad, published, width};
use super::model::{
    BridgeNode, EndpointNode, Family, Graph, HostEnd, HostNode, Leaving, NetworkNode, State,
};
use crate::model::printable::printable;

/// Columns of a terminal that everybody has.
const WIDTH: usize = 80;
/// Columns of what hangs on the trunk.
const BRANCH: usize = WIDTH - 3;
/// Columns of a port: behind the branch, the bridge's edge and the port's own stub.
const PORT: usize = BRANCH - 5;

/// Draws it.
pub fn text(graph: &Graph) -> String {
    let mut lines = trunk(&graph.host);
    for (index, network) in graph.networks.iter().enumerate() {
        let last = index + 1 == graph.networks.len();
        lines.push("│".to_owned());
        let stub = match (last, network.leaving) {
            (false, Leaving::Internal | Leaving::None) => "├╳ ",
            (true, Leaving::Internal | Leaving::None) => "└╳ ",
            (false, _) => "├─ ",
            (true, _) => "└─ ",
        };
        let below = if last { "   " } else { "│  " };
        let mut drawn = branch(network).into_iter();
        lines.extend(drawn.next().map(|line| format!("{stub}{line}")));
        lines.extend(drawn.map(|line| format!("{below}{line}")));
    }
    lines
        .iter()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

/// The host's ways out: one line a device, IPv4 and IPv6 together where they share it.
fn trunk(host: &HostNode) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for route in &host.routes {
        let device = match &route.device {
            Some(device) => printable(device),
            None => "several interfaces".to_owned(),
        };
        let mut parts = vec![device, route.addresses.join(", ")];
        parts.push(match route.gateway {
            Some(gateway) => format!("default via {gateway}"),
            None => "default route".to_owned(),
        });
        if route.state != State::Up {
            parts.push(route.state.words().to_owned());
        }
        parts.retain(|part| !part.is_empty());
        lines.push(fit(&parts.join("  "), WIDTH));
    }
    if lines.is_empty() {
        lines.push("this host has no default route".to_owned());
    }
    lines
}

fn branch(network: &NetworkNode) -> Vec<String> {
    let mut head = vec![printable(&network.name)];
    head.extend((!network.subnets.is_empty()).then(|| network.subnets.join(", ")));
    head.push(match network.leaving {
        Leaving::Masqueraded => "masqueraded".to_owned(),
        Leaving::Routed => "routed".to_owned(),
        Leaving::Mixed => "masqueraded and routed".to_owned(),
        Leaving::Internal => "internal: no way out".to_owned(),
        Leaving::Wire => "the parent's wire".to_owned(),
        Leaving::Host => "the host's own interfaces".to_owned(),
        Leaving::None => "only loopback".to_owned(),
    });
    if network.isolated {
        head.push("isolated ports".to_owned());
    }
    let mut lines = wrap(&head, "  ", BRANCH);
    match &network.bridge {
        Some(bridge) => {
            lines.extend(bridge_box(bridge, !network.endpoints.is_empty()));
            lines.extend(ports(&network.endpoints, &bridge.name));
        }
        None => {
            let names: Vec<String> = network
                .endpoints
                .iter()
                .map(|endpoint| printable(&endpoint.container))
                .collect();
            lines.extend(
                wrap(&names, ", ", BRANCH - 2)
                    .iter()
                    .map(|l| format!("  {l}")),
            );
        }
    }
    lines
}

fn bridge_box(bridge: &BridgeNode, has_ports: bool) -> Vec<String> {
    let there = matches!(bridge.state, State::Up | State::Down);
    let (across, down) = if there {
        ("─", "│")
    } else {
        ("╌", "╎")
    };
    let inner = BRANCH - 4;
    let name = printable(&bridge.name);
    let addresses: Vec<String> = bridge
        .addresses
        .iter()
        .map(|address| {
            let mark = if address.missing { " (missing)" } else { "" };
            format!("{}{mark}", address.address)
        })
        .collect();
    let indent = " ".repeat(width(&name) + 2);
    let mut first = vec![name];
    first.extend(addresses.first().cloned());
    first.extend(bridge.mac.map(|mac| mac.to_string()));
    first.push(format!("mtu {}", bridge.mtu));
    let state = bridge.state.words();
    let mut contents = vec![format!(
        "{}{state}",
        pad(&first.join("  "), inner.saturating_sub(width(state)))
    )];
    contents.extend(
        addresses
            .iter()
            .skip(1)
            .map(|text| format!("{indent}{text}")),
    );
    let mut lines = vec![format!("┌{}┐", across.repeat(BRANCH - 2))];
    for content in contents {
        lines.push(format!(
            "{down} {} {down}",
            pad(&fit(&content, inner), inner)
        ));
    }
    lines.push(if has_ports {
        format!("└{across}┬{}┘", across.repeat(BRANCH - 4))
    } else {
        format!("└{}┘", across.repeat(BRANCH - 2))
    });
    lines
}

/// How wide the columns of a bridge's ports are; together they fit, or each port takes two lines.
struct Columns {
    host_end: usize,
    interface: usize,
    container: usize,
    address: usize,
    compact: bool,
}

impl Columns {
    fn of(endpoints: &[EndpointNode]) -> Columns {
        let widest = |text: &dyn Fn(&EndpointNode) -> String| {
            endpoints.iter().map(|e| width(&text(e))).max().unwrap_or(0)
        };
        let mut columns = Columns {
            host_end: widest(&|e| host_end_name(e.host_end.as_ref())),
            interface: widest(&|e| printable(&e.interface)),
            container: widest(&|e| printable(&e.container)),
            address: widest(&|e| e.addresses.first().cloned().unwrap_or_default()),
            compact: false,
        };
        columns.compact =
            columns.to_address() + columns.address + 2 + "02:42:ac:12:00:02".len() <= PORT;
        columns
    }

    /// Columns in front of the address.
    fn to_address(&self) -> usize {
        self.host_end + 4 + self.interface + 2 + self.container + 2
    }
}

fn host_end_name(end: Option<&HostEnd>) -> String {
    end.map(|end| printable(&end.name)).unwrap_or_default()
}

fn ports(endpoints: &[EndpointNode], bridge: &str) -> Vec<String> {
    let columns = Columns::of(endpoints);
    let mut lines = Vec::new();
    for (index, endpoint) in endpoints.iter().enumerate() {
        let last = index + 1 == endpoints.len();
        let (stub, below) = if last {
            ("└─ ", "   ")
        } else {
            ("├─ ", "│  ")
        };
        let mut drawn = port(endpoint, &columns, bridge).into_iter();
        lines.extend(drawn.next().map(|line| format!("  {stub}{line}")));
        lines.extend(drawn.map(|line| format!("  {below}{line}")));
    }
    lines
}

fn port(endpoint: &EndpointNode, columns: &Columns, bridge: &str) -> Vec<String> {
    let state = endpoint
        .host_end
        .as_ref()
        .map_or(State::Up, |end| end.state);
    let wire = match state {
        State::Up => "──",
        State::Down | State::NoCarrier => "╌╌",
        _ => "╳╳",
    };
    let mac = endpoint.mac.map(|mac| mac.to_string()).unwrap_or_default();
    let head = format!(
        "{} {wire} {}  ",
        pad(&host_end_name(endpoint.host_end.as_ref()), columns.host_end),
        pad(&printable(&endpoint.interface), columns.interface)
    );
    let container = printable(&endpoint.container);
    let mut addresses = endpoint.addresses.iter();
    let address = addresses.next().cloned().unwrap_or_default();
    let (mut lines, indent) = if columns.compact {
        let line = format!(
            "{head}{}  {}  {mac}",
            pad(&container, columns.container),
            pad(&address, columns.address)
        );
        (vec![line], columns.to_address())
    } else {
        let room = PORT.saturating_sub(width(&head));
        let second = format!("    {address}  {mac}");
        (vec![format!("{head}{}", fit(&container, room)), second], 4)
    };
    let mut details: Vec<String> = addresses.cloned().collect();
    details.extend(default_route(endpoint));
    details.extend(problem(state, bridge));
    let room = PORT.saturating_sub(indent);
    details.extend(wrap(&published(&endpoint.published), ", ", room));
    let guests: Vec<String> = endpoint
        .shared_with
        .iter()
        .map(|name| printable(name))
        .collect();
    if !guests.is_empty() {
        details.extend(wrap(
            &[format!("shared with {}", guests.join(", "))],
            "",
            room,
        ));
    }
    let indent = " ".repeat(indent);
    lines.extend(
        details
            .iter()
            .map(|text| format!("{indent}{}", fit(text, room))),
    );
    lines
}

/// Said only where there is a choice.
fn default_route(endpoint: &EndpointNode) -> Option<String> {
    let text = match endpoint.default_route[..] {
        _ if endpoint.networks < 2 => return None,
        [] => return None,
        [Family::Ipv4] => "default route of IPv4",
        [Family::Ipv6] => "default route of IPv6",
        _ => "default route",
    };
    Some(text.to_owned())
}

fn problem(state: State, bridge: &str) -> Option<String> {
    match state {
        State::Up | State::NotMade => None,
        State::Missing => Some("missing: no such interface".to_owned()),
        State::Unplugged => Some(format!("unplugged: no port of {}", printable(bridge))),
        State::Down => Some("down".to_owned()),
        State::NoCarrier => Some("no carrier: down inside".to_owned()),
    }
}

/// Items with separators between them, broken between items at `columns`.
fn wrap(items: &[String], separator: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        match lines.last_mut() {
            Some(line) if width(line) + width(separator) + width(item) < columns => {
                line.push_str(separator);
                line.push_str(item);
            }
            Some(line) => {
                line.push_str(separator.trim_end());
                lines.push(fit(item, columns));
            }
            None => lines.push(fit(item, columns)),
        }
    }
    lines
}

#[cfg(test)]
mod tests;
