//! `network create`.

use rbox_netsetup::model::macvlan_options::VlanError;
use rbox_netsetup::model::network_request::{NetworkRequest, RequestError};
use rbox_netsetup::store::{CreateError, ParentError};

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::parse::label;
use crate::cli::stop::{Outcome, Stop};
use crate::engine::event::Event;
use crate::engine::failure::Failure;

/// `network create`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] NETWORK",
    about: "Create a network",
    arity: Arity::Exactly(1),
    interspersed: true,
    run,
    examples: "\
rbox network create lan
rbox network create --subnet 10.5.0.0/24 --gateway 10.5.0.1 lan
rbox network create --internal backend  # no way out
rbox network create -d macvlan -o parent=eth0 --subnet 192.168.1.0/24 wire
",
    ..Spec::of::<Create>()
};

#[derive(clap::Parser)]
struct Create {
    /// Enable manual container attachment
    #[arg(long)]
    attachable: bool,
    /// Auxiliary IPv4 or IPv6 addresses used by Network driver
    #[arg(long, value_name = "map", value_parser = label::entry)]
    aux_address: Vec<(String, String)>,
    /// Driver to manage the Network
    #[arg(short, long, value_name = "string", default_value = "bridge")]
    driver: String,
    /// IPv4 or IPv6 Gateway for the master subnet
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    gateway: Vec<String>,
    /// Restrict external access to the network
    #[arg(long)]
    internal: bool,
    /// Allocate container ip from a sub-range
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    ip_range: Vec<String>,
    /// IP Address Management Driver
    #[arg(long, value_name = "string", default_value = "default")]
    ipam_driver: String,
    /// Set IPAM driver specific options
    #[arg(long, value_name = "map", value_parser = label::entry)]
    ipam_opt: Vec<(String, String)>,
    /// Enable or disable IPv4 address assignment (default true)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "true", action = clap::ArgAction::Set, hide_default_value = true)]
    ipv4: bool,
    /// Enable or disable IPv6 address assignment
    #[arg(long)]
    ipv6: bool,
    /// Set metadata on a network
    #[arg(long, value_name = "list", value_parser = label::label)]
    label: Vec<(String, String)>,
    /// Set driver specific options
    #[arg(short, long, value_name = "map", value_parser = label::entry)]
    opt: Vec<(String, String)>,
    /// Control the network's scope
    #[arg(
        long,
        value_name = "string",
        default_value = "",
        hide_default_value = true
    )]
    scope: String,
    /// Subnet in CIDR format that represents a network segment
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    subnet: Vec<String>,
    #[arg(hide = true)]
    network: String,
}

/// What could not be made, and what can be done about it.
fn refused(error: CreateError) -> Stop {
    let failure = Failure::new(error.to_string());
    Stop::Failed(match error {
        CreateError::Request(RequestError::Unsupported(_)) => failure.hint(
            "bridge and macvlan networks are what rbox has: -d macvlan -o parent=INTERFACE puts \
             containers on a wire of the host",
        ),
        CreateError::Parent(ParentError::Vlan(VlanError::Name(_)) | ParentError::Lower(_)) => {
            failure.hint("`ip link` lists the interfaces of this host")
        }
        _ => failure,
    })
}

fn run(call: &Call) -> Outcome {
    let line: Create = call.parse()?;
    if !matches!(line.ipam_driver.as_str(), "default" | "") {
        return Err(Stop::failed(format!(
            "unsupported IPAM driver: {}",
            line.ipam_driver
        )));
    }
    let request = NetworkRequest {
        name: line.network,
        driver: line.driver,
        subnets: line.subnet,
        gateways: line.gateway,
        ip_ranges: line.ip_range,
        aux: line.aux_address,
        internal: line.internal,
        ipv4: line.ipv4,
        ipv6: line.ipv6,
        attachable: line.attachable,
        labels: line.label.into_iter().collect(),
        options: line.opt.into_iter().collect(),
        ipam_options: line.ipam_opt.into_iter().collect(),
        scope: line.scope,
    };
    request.check_arguments().map_err(Stop::failed)?;
    let engine = call.engine()?;
    let mut remarks = Vec::new();
    let network = engine
        .networks
        .create_noting(&request, &mut remarks)
        .map_err(refused)?;
    engine.happened(&Event::network("create", &network));
    for notice in engine.notices(&remarks) {
        (engine.tell)(&notice);
    }
    say(&format!("{}\n", network.id));
    Ok(0)
}
