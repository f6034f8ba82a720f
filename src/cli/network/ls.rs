//! `network ls`.

use rbox_netsetup::model::natural_order::natural;
use rbox_netsetup::model::network::Network;

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::parse::Invalid;
use crate::cli::parse::filter::{self, Filters};
use crate::cli::parse::time;
use crate::cli::stop::{Outcome, Stop};
use crate::engine::containers;
use crate::output::format::{self, Listing, Row};

/// `network ls`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS]",
    about: "List networks",
    arity: Arity::Exactly(0),
    interspersed: true,
    run,
    examples: "\
rbox network ls
rbox network ls --filter driver=bridge -q
",
    ..Spec::of::<Ls>()
};

#[derive(clap::Parser)]
struct Ls {
    /// Provide filter values (e.g. "driver=bridge")
    #[arg(short, long, value_name = "filter", value_parser = filter::filter)]
    filter: Vec<(String, String)>,
    /// Format output: 'table', 'table TEMPLATE', 'json' or a Go template
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// Do not truncate the output
    #[arg(long)]
    no_trunc: bool,
    /// Only display network IDs
    #[arg(short, long)]
    quiet: bool,
}

const LISTING: Listing = Listing {
    table: "{{.ID}}\\t{{.Name}}\\t{{.Driver}}\\t{{.Scope}}",
    headers: &[
        ("ID", "NETWORK ID"),
        ("Name", "NAME"),
        ("Driver", "DRIVER"),
        ("Scope", "SCOPE"),
        ("IPv4", "IPV4"),
        ("IPv6", "IPV6"),
        ("Internal", "INTERNAL"),
        ("Labels", "LABELS"),
        ("CreatedAt", "CREATED AT"),
    ],
    type_name: "*network.networkContext",
};

fn run(call: &Call) -> Outcome {
    let line: Ls = call.parse()?;
    let filters = filters(&line.filter)?;
    let dangling = filters.flag("dangling")?;
    let engine = call.engine()?;
    let mut networks = engine.networks.list().map_err(Stop::failed)?;
    networks.retain(|network| takes(&filters, network));
    if let Some(wanted) = dangling {
        let mut kept = Vec::new();
        for network in networks {
            let used = engine
                .networks
                .endpoints(&network)
                .map_err(Stop::failed)?
                .iter()
                .any(|endpoint| containers::is_alive(&engine.dirs, &endpoint.owner));
            if wanted != (used || network.is_predefined()) {
                kept.push(network);
            }
        }
        networks = kept;
    }
    networks.sort_by(|a, b| natural(&a.name, &b.name));
    let rows: Vec<Row> = networks
        .iter()
        .map(|network| row(network, line.no_trunc))
        .collect();
    let text = format::render(&LISTING, line.format.as_deref(), line.quiet, &rows)
        .map_err(Stop::failed)?;
    say(&text);
    Ok(0)
}

fn filters(filters: &[(String, String)]) -> Result<Filters, Invalid> {
    let filters = Filters::new(
        filters,
        &[
            "dangling", "driver", "id", "label", "label!", "name", "scope", "type",
        ],
    )?;
    for value in filters.get("type") {
        if !matches!(value.as_str(), "custom" | "builtin") {
            return Err(Invalid(format!("invalid filter: 'type'='{value}'")));
        }
    }
    Ok(filters)
}

fn takes(filters: &Filters, network: &Network) -> bool {
    filters.any("driver", |driver| driver == network.driver.name())
        && filters.any("type", |kind| {
            (kind == "builtin") == network.is_predefined()
        })
        && filters.any("scope", |scope| scope == "local")
        && filters.name(&network.name)
        && filters.id(&network.id)
        && filters.labels(&network.labels)
}

fn row(network: &Network, whole: bool) -> Row {
    let id = if whole {
        &network.id
    } else {
        network.id.get(..12).unwrap_or(&network.id)
    };
    let labels: Vec<String> = network
        .labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let mut row = Row::new()
        .with("ID", id)
        .with("Name", network.name.as_str())
        .with("Driver", network.driver.name())
        .with("Scope", "local")
        .with("IPv4", network.ipv4.to_string())
        .with("IPv6", network.ipv6.to_string())
        .with("Internal", network.internal.to_string())
        .with("Labels", labels.join(","))
        .with("CreatedAt", time::go_string(&network.created));
    row.labels = network.labels.clone();
    row
}

#[cfg(test)]
mod tests {
    use super::{LISTING, filters, row, takes};
    use crate::cli::parse::filter::filter;
    use crate::output::format::render;
    use rbox_netsetup::model::network::{Driver, Network};

    fn network(name: &str, driver: Driver) -> Network {
        Network {
            id: format!("{:0<64}", "9d7faef75541"),
            name: name.into(),
            created: "2026-11-21T21:30:03.68806532Z".into(),
            driver,
            ipv4: true,
            ipv6: false,
            pools: Vec::new(),
            ipam_options: Default::default(),
            internal: false,
            attachable: false,
            adopted: false,
            mtu: None,
            labels: [("a".to_owned(), "b".to_owned())].into(),
            options: Default::default(),
        }
    }

    #[test]
    fn a_network_prints_as_dockers() {
        let rows = [row(&network("bridge", Driver::Bridge), false)];
        assert_eq!(
            render(&LISTING, None, false, &rows).unwrap(),
            "NETWORK ID     NAME      DRIVER    SCOPE\n9d7faef75541   bridge    bridge    local\n"
        );
        assert_eq!(
            render(&LISTING, Some("json"), false, &rows).unwrap(),
            "{\"CreatedAt\":\"2026-11-21 21:30:03.68806532 +0000 UTC\",\"Driver\":\"bridge\",\"ID\":\"9d7faef75541\",\"IPv4\":\"true\",\"IPv6\":\"false\",\"Internal\":\"false\",\"Labels\":\"a=b\",\"Name\":\"bridge\",\"Scope\":\"local\"}\n"
        );
    }

    #[test]
    fn filters_choose_networks() {
        let (bridge, own) = (
            network("bridge", Driver::Bridge),
            network("h4a", Driver::Bridge),
        );
        for (text, builtin, custom) in [
            ("type=custom", false, true),
            ("type=builtin", true, false),
            ("name=h4", false, true),
            ("driver=null", false, false),
            ("label=a=b", true, true),
            ("scope=local", true, true),
            ("id=9d7f", true, true),
        ] {
            let filters = filters(&[filter(text).unwrap()]).unwrap();
            assert_eq!(
                (takes(&filters, &bridge), takes(&filters, &own)),
                (builtin, custom),
                "{text}"
            );
        }
        assert_eq!(
            filters(&[filter("type=x").unwrap()]).unwrap_err().0,
            "invalid filter: 'type'='x'"
        );
    }
}
