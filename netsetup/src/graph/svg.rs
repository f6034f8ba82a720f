//! The picture as one SVG file: no scripts, no fonts, nothing fetched; light or dark as the
//! reader's screen is.
//!
//! ```text
//!  ┌ host ────────────────────────────┐
//!  └─┬────────────────────────────────┘
//!    ├──┌ network ────────────────────┐
//!    │  │ ▬▬▬▬▬▬▬▬ bridge ▬▬▬▬▬▬▬▬▬▬▬▬ │
//!    │  │  ├─[veth]────[container]     │
//! ```

mod page;

use super::label::published;
use super::model::{EndpointNode, Graph, Leaving, NetworkNode, State};
use page::Page;

/// Pixels.
const WIDTH: i32 = 920;
const MARGIN: i32 = 20;
const TRUNK: i32 = 44;
const PANEL: i32 = 76;
const BAR: i32 = PANEL + 20;
const STUB: i32 = BAR + 24;
const HOST_END: i32 = STUB + 26;
const HOST_END_WIDTH: i32 = 176;
const BOX: i32 = HOST_END + HOST_END_WIDTH + 56;
const ROW: i32 = 18;
const RIGHT: i32 = WIDTH - MARGIN;

/// Draws it.
pub fn svg(graph: &Graph) -> String {
    let mut page = Page::default();
    let host: Vec<String> = graph
        .host
        .routes
        .iter()
        .map(|route| {
            let device = route.device.as_deref().unwrap_or("several interfaces");
            let via = match route.gateway {
                Some(gateway) => format!("default via {gateway}"),
                None => "default route".to_owned(),
            };
            format!("{device}  {}  {via}", route.addresses.join(" "))
        })
        .collect();
    let routes = if host.is_empty() {
        vec!["no default route".to_owned()]
    } else {
        host
    };
    let height = 36 + ROW * count(routes.len());
    page.rect("host", MARGIN, MARGIN, RIGHT - MARGIN, height);
    page.text("title", MARGIN + 16, MARGIN + 24, 60, "host");
    for (index, text) in routes.iter().enumerate() {
        page.text(
            "mono",
            MARGIN + 16,
            MARGIN + 24 + ROW * count(index + 1),
            100,
            text,
        );
    }
    let mut y = MARGIN + height + 24;
    let mut last = MARGIN + height;
    for network in &graph.networks {
        // The trunk goes down to the last branch.
        last = y + 24;
        y = panel(&mut page, network, y) + 20;
    }
    page.under(&format!(
        "<line class=\"trunk\" x1=\"{TRUNK}\" y1=\"{}\" x2=\"{TRUNK}\" y2=\"{last}\"/>",
        MARGIN + height
    ));
    page.finish(WIDTH, y)
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX / 1024)
}

/// One network below `top`; where it ends.
fn panel(page: &mut Page, network: &NetworkNode, top: i32) -> i32 {
    let cut = matches!(network.leaving, Leaving::Internal | Leaving::None);
    let heights: Vec<i32> = network.endpoints.iter().map(box_height).collect();
    let bar = network
        .bridge
        .as_ref()
        .map_or(0, |bridge| 12 + ROW * count(bridge.addresses.len().max(1)));
    let ports: i32 = heights.iter().map(|height| height + 12).sum();
    let bottom = top + 44 + bar + 12 + ports + 8;
    page.line(
        if cut { "trunk cut" } else { "trunk" },
        TRUNK,
        top + 24,
        PANEL,
        top + 24,
    );
    if cut {
        page.text("cross", TRUNK + 10, top + 29, 2, "✕");
    }
    page.rect("panel", PANEL, top, RIGHT - PANEL, bottom - top);
    page.text("title", PANEL + 20, top + 29, 30, &network.name);
    page.text(
        "mono",
        PANEL + 300,
        top + 29,
        40,
        &network.subnets.join(" "),
    );
    page.text("badge", RIGHT - 16, top + 29, 40, &badges(network));
    let mut y = top + 44;
    if let Some(bridge) = &network.bridge {
        page.rect(
            &format!("bridge {}", class(bridge.state)),
            BAR,
            y,
            RIGHT - BAR - 20,
            bar,
        );
        let mac = bridge.mac.map(|mac| mac.to_string()).unwrap_or_default();
        page.text("mono", BAR + 12, y + 19, 16, &bridge.name);
        for (index, address) in bridge.addresses.iter().enumerate() {
            let mark = if address.missing { "  missing" } else { "" };
            let text = format!("{}{mark}", address.address);
            page.text("mono", BAR + 170, y + 19 + ROW * count(index), 44, &text);
        }
        page.text(
            "mono",
            BAR + 400,
            y + 19,
            30,
            &format!("{mac}  mtu {}", bridge.mtu),
        );
        page.text("mono end", RIGHT - 32, y + 19, 14, bridge.state.words());
        y += bar;
    }
    let from = y;
    y += 12;
    for (endpoint, height) in network.endpoints.iter().zip(&heights) {
        let middle = y + 20;
        if network.bridge.is_some() {
            page.line("wire", STUB, from, STUB, middle);
        }
        container(page, endpoint, y, *height);
        y += height + 12;
    }
    bottom
}

fn badges(network: &NetworkNode) -> String {
    let way = match network.leaving {
        Leaving::Masqueraded => "masqueraded",
        Leaving::Routed => "routed",
        Leaving::Mixed => "masqueraded and routed",
        Leaving::Internal => "internal",
        Leaving::Wire => "the parent's wire",
        Leaving::Host => "the host's own interfaces",
        Leaving::None => "only loopback",
    };
    let isolated = if network.isolated {
        ", isolated ports"
    } else {
        ""
    };
    format!("{way}{isolated}")
}

/// The lines below a container's name, and how they look.
fn lines(endpoint: &EndpointNode) -> Vec<(&'static str, String)> {
    let mut lines: Vec<(&str, String)> = endpoint
        .addresses
        .iter()
        .map(|address| ("mono", address.clone()))
        .collect();
    if let Some(mac) = endpoint.mac {
        lines.push(("mono", mac.to_string()));
    }
    for port in published(&endpoint.published) {
        lines.push(("mono port", port));
    }
    if !endpoint.shared_with.is_empty() {
        lines.push((
            "mono",
            format!("shared with {}", endpoint.shared_with.join(", ")),
        ));
    }
    lines
}

fn box_height(endpoint: &EndpointNode) -> i32 {
    34 + ROW * count(lines(endpoint).len())
}

fn container(page: &mut Page, endpoint: &EndpointNode, y: i32, height: i32) {
    let middle = y + 20;
    if let Some(end) = &endpoint.host_end {
        let class = class(end.state);
        let unplugged = end.state == State::Unplugged;
        page.line(
            if unplugged { "wire missing" } else { "wire" },
            STUB,
            middle,
            HOST_END,
            middle,
        );
        page.rect(
            &format!("end {class}"),
            HOST_END,
            middle - 14,
            HOST_END_WIDTH,
            28,
        );
        page.text("mono", HOST_END + 12, middle + 5, 20, &end.name);
        page.line(
            &format!("wire {class}"),
            HOST_END + HOST_END_WIDTH,
            middle,
            BOX,
            middle,
        );
        if end.state != State::Up {
            page.text("state", HOST_END + 12, middle + 28, 20, end.state.words());
        }
    }
    page.rect("container", BOX, y, RIGHT - BOX - 20, height);
    page.text("title", BOX + 14, y + 24, 40, &endpoint.container);
    page.text("mono end", RIGHT - 34, y + 24, 16, &endpoint.interface);
    for (index, (class, text)) in lines(endpoint).iter().enumerate() {
        page.text(class, BOX + 14, y + 24 + ROW * count(index + 1), 60, text);
    }
}

fn class(state: State) -> &'static str {
    match state {
        State::Up => "up",
        State::Down | State::NoCarrier => "down",
        State::Unplugged | State::Missing | State::NotMade => "missing",
    }
}

#[cfg(test)]
mod tests;
