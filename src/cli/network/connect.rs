//! `network connect`.

use rbox_netsetup::model::attachment::{AttachmentFlags, connection};

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::parse::csv::{self, Fields};
use crate::cli::parse::{hosts, number};
use crate::cli::stop::{Outcome, Stop};

/// `network connect`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] NETWORK CONTAINER",
    about: "Connect a container to a network",
    arity: Arity::Exactly(2),
    interspersed: true,
    run,
    examples: "\
rbox network connect lan web
rbox network connect --alias www --ip 10.5.0.7 lan web
",
    ..Spec::of::<Connect>()
};

#[derive(clap::Parser)]
struct Connect {
    /// Add network-scoped alias for the container
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    alias: Vec<String>,
    /// driver options for the network
    #[arg(long, value_name = "strings", value_parser = csv::flag)]
    driver_opt: Vec<Fields>,
    /// Highest gw-priority provides the default gateway. Accepts positive and negative values.
    #[arg(long, value_name = "int", value_parser = number::small, default_value = "0",
          hide_default_value = true)]
    gw_priority: i32,
    /// IPv4 address (e.g., "172.30.100.104")
    #[arg(long, value_name = "string")]
    ip: Option<String>,
    /// IPv6 address (e.g., "2001:db8::33")
    #[arg(long, value_name = "string")]
    ip6: Option<String>,
    /// Add link to another container
    #[arg(long, value_name = "list", value_parser = hosts::link)]
    link: Vec<String>,
    #[arg(hide = true)]
    network: String,
    #[arg(hide = true)]
    container: String,
}

fn run(call: &Call) -> Outcome {
    let line: Connect = call.parse()?;
    let flags = AttachmentFlags {
        aliases: line.alias,
        ip: line.ip,
        ip6: line.ip6,
        links: line.link,
        driver_opts: line.driver_opt.into_iter().flat_map(|all| all.0).collect(),
        gw_priority: line.gw_priority,
        ..AttachmentFlags::default()
    };
    let endpoint = connection(&line.network, &flags).map_err(Stop::failed)?;
    call.engine()?
        .connect(&line.network, &line.container, &endpoint)?;
    Ok(0)
}
