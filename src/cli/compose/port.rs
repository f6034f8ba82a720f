//! `compose port`.

use rbox_netsetup::model::port::Protocol;
use rbox_netsetup::model::port_display;

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::parse::Invalid;
use crate::cli::stop::{Outcome, Stop};

/// `compose port`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] SERVICE PRIVATE_PORT",
    about: "Print the public port for a port binding",
    arity: Arity::Exactly(2),
    interspersed: true,
    run,
    examples: "\
rbox compose port web 80
rbox compose port --protocol udp --index 2 dns 53
",
    ..Spec::of::<Port>()
};

#[derive(clap::Parser)]
struct Port {
    /// Index of the container if service has multiple replicas
    #[arg(
        long,
        value_name = "int",
        default_value = "0",
        hide_default_value = true
    )]
    index: u32,
    /// tcp or udp
    #[arg(long, value_name = "string", default_value = "tcp", value_parser = protocol)]
    protocol: Protocol,
    #[arg(hide = true)]
    service: String,
    #[arg(hide = true)]
    port: u16,
}

fn run(call: &Call) -> Outcome {
    let line: Port = call.parse()?;
    let session = Session::open(call, &[], Files::NameWillDo)?;
    let container = session.running(&line.service, line.index)?;
    let published = session.engine.port(container.id())?;
    // The first, as Docker Compose: IPv4 where there is one.
    let found = published.iter().find(|entry| {
        entry.container.port == line.port && entry.container.protocol == line.protocol
    });
    match found {
        Some(entry) => say(&format!("{}\n", port_display::host_side(entry))),
        None => {
            return Err(Stop::failed(format!(
                "no port {}/{} for container {}",
                line.port,
                name(line.protocol),
                container.name()
            )));
        }
    }
    Ok(0)
}

fn protocol(text: &str) -> Result<Protocol, Invalid> {
    match text {
        "tcp" => Ok(Protocol::Tcp),
        "udp" => Ok(Protocol::Udp),
        _ => Err(Invalid(format!(
            "invalid protocol {text:?}: it is tcp or udp"
        ))),
    }
}

fn name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    }
}
