//! The picture for graphviz: `rbox network graph --format dot | dot -Tpng`.
//!
//! The language: <https://graphviz.org/doc/info/lang.html>. Nodes are called by their numbers,
//! names are only in quoted labels, where backslashes and quotes are escaped.

use std::fmt::Write;

use super::label::published;
use super::model::{EndpointNode, Graph, Leaving, NetworkNode, State};
use crate::model::printable::printable;

/// Draws it.
pub fn dot(graph: &Graph) -> String {
    let mut out = String::from(
        "graph rbox {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"monospace\"];\n  \
         edge [fontname=\"monospace\", fontsize=10];\n",
    );
    let routes: Vec<String> = graph
        .host
        .routes
        .iter()
        .map(|route| {
            let device = route.device.as_deref().unwrap_or("several interfaces");
            let via = route
                .gateway
                .map(|gateway| format!("default via {gateway}"))
                .unwrap_or_else(|| "default route".to_owned());
            format!("{device} {} {via}", route.addresses.join(" "))
        })
        .collect();
    let host = std::iter::once("host".to_owned()).chain(routes);
    line(&mut out, "  host", &[("label", label(host))]);
    for (number, network) in graph.networks.iter().enumerate() {
        cluster(&mut out, number, network);
    }
    out.push_str("}\n");
    out
}

fn cluster(out: &mut String, number: usize, network: &NetworkNode) {
    let id = format!("n{number}");
    let mut title = vec![network.name.clone(), network.subnets.join(" ")];
    if network.internal {
        title.push("internal".to_owned());
    }
    if network.isolated {
        title.push("isolated ports".to_owned());
    }
    title.retain(|text| !text.is_empty());
    let _ = writeln!(out, "  subgraph cluster_{id} {{");
    let _ = writeln!(out, "    label={};", label(title));
    let (name, state) = match &network.bridge {
        Some(bridge) => {
            let addresses = bridge.addresses.iter().map(|address| {
                let mark = if address.missing { " missing" } else { "" };
                format!("{}{mark}", address.address)
            });
            let words = (bridge.state != State::Up).then(|| bridge.state.words().to_owned());
            let name = std::iter::once(bridge.name.clone())
                .chain(addresses)
                .chain(bridge.mac.map(|mac| mac.to_string()))
                .chain(words);
            (label(name), bridge.state)
        }
        None => (label([network.driver.to_owned()]), State::Up),
    };
    line(out, &format!("    {id}"), &[("label", name), style(state)]);
    for (port, endpoint) in network.endpoints.iter().enumerate() {
        self::endpoint(out, &id, port, endpoint);
    }
    out.push_str("  }\n");
    let way = match network.leaving {
        Leaving::Masqueraded => "masqueraded",
        Leaving::Routed => "routed",
        Leaving::Mixed => "masqueraded and routed",
        Leaving::Wire => "the parent's wire",
        Leaving::Host => "the host's own interfaces",
        Leaving::Internal | Leaving::None => return,
    };
    line(
        out,
        &format!("  host -- {id}"),
        &[("label", label([way.to_owned()]))],
    );
}

fn endpoint(out: &mut String, network: &str, port: usize, endpoint: &EndpointNode) {
    let id = format!("{network}_{port}");
    let texts = std::iter::once(endpoint.container.clone())
        .chain(Some(endpoint.interface.clone()).filter(|name| !name.is_empty()))
        .chain(endpoint.addresses.iter().cloned())
        .chain(endpoint.mac.map(|mac| mac.to_string()))
        .chain(published(&endpoint.published));
    line(out, &format!("    {id}"), &[("label", label(texts))]);
    let edge = format!("    {network} -- {id}");
    match &endpoint.host_end {
        Some(end) => {
            let words = (end.state != State::Up).then(|| end.state.words().to_owned());
            let texts = std::iter::once(end.name.clone()).chain(words);
            line(out, &edge, &[("label", label(texts)), style(end.state)]);
        }
        None => line(out, &edge, &[]),
    }
}

fn style(state: State) -> (&'static str, String) {
    let style = match state {
        State::Up => "solid",
        State::Missing | State::NotMade | State::Unplugged => "dashed",
        State::Down | State::NoCarrier => "dotted",
    };
    ("style", style.to_owned())
}

fn line(out: &mut String, what: &str, attributes: &[(&str, String)]) {
    let list: Vec<String> = attributes
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let list = match &list[..] {
        [] => String::new(),
        list => format!(" [{}]", list.join(", ")),
    };
    let _ = writeln!(out, "{what}{list};");
}

/// A quoted string of several lines. What a terminal would obey is shown as in the text form.
fn label(lines: impl IntoIterator<Item = String>) -> String {
    let lines: Vec<String> = lines
        .into_iter()
        .map(|line| printable(&line).replace('\\', "\\\\").replace('"', "\\\""))
        .collect();
    format!("\"{}\"", lines.join("\\n"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{hostile, two_networks};
    use super::*;

    #[test]
    fn a_network_is_a_cluster_and_a_port_an_edge() {
        let text = dot(&two_networks());
        for part in [
            "  host [label=\"host\\neth0 198.51.100.2/24 default via 198.51.100.1\"];\n",
            "  subgraph cluster_n0 {\n    label=\"lan\\n172.18.0.0/16\";\n",
            "    n0_0 [label=\"db\\neth0\\n172.18.0.3/16\\n02:42:ac:12:00:03\"];\n",
            "    n0 -- n0_0 [label=\"vethdb\", style=solid];\n",
            "  host -- n0 [label=\"masqueraded\"];\n",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains("host -- n1"), "internal: {text}");
    }

    #[test]
    fn quotes_in_names_end_no_string() {
        let text = dot(&hostile());
        let mut inside = false;
        let mut escaped = false;
        for c in text.chars() {
            match c {
                _ if escaped => escaped = false,
                '\\' if inside => escaped = true,
                '"' => inside = !inside,
                '\n' => assert!(!inside, "an open string: {text}"),
                _ => {}
            }
        }
        assert!(!inside && !text.contains('\x1b'), "{text}");
    }
}
