//! `network explain`.

use rbox_netsetup::explain::packet::Transport;
use rbox_netsetup::explain::story::Story;
use serde_json::Value;

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::{Outcome, Stop};
use crate::engine::explain::{Asked, Destination, Explained, From};
use crate::output::json;

/// `network explain`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] CONTAINER [DEST[:PORT]]",
    about: "Explain the path of a packet, hop by hop, and where it would be dropped and why",
    arity: Arity::Between(1, 2),
    interspersed: true,
    run,
    examples: "\
rbox network explain web  # its addresses and ways out
rbox network explain web db:5432
rbox network explain web 192.0.2.1:443 --proto tcp
",
    ..Spec::of::<Explain>()
};

#[derive(clap::Parser)]
struct Explain {
    /// Protocol: tcp, udp, icmp or sctp (default tcp with a port, icmp without)
    #[arg(long, value_name = "string", value_parser = transport)]
    proto: Option<Transport>,
    /// Who sends instead of the container: outside[:IFACE], host, or another CONTAINER
    #[arg(long, value_name = "string", value_parser = sender)]
    from: Option<From>,
    /// Format of the output: text or json
    #[arg(long, value_name = "string", value_parser = format, default_value = "text",
          hide_default_value = true)]
    format: Format,
    #[arg(hide = true)]
    container: String,
    #[arg(hide = true)]
    destination: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Text,
    Json,
}

fn transport(text: &str) -> Result<Transport, String> {
    Ok(match text.to_ascii_lowercase().as_str() {
        "tcp" => Transport::Tcp,
        "udp" => Transport::Udp,
        "sctp" => Transport::Sctp,
        "icmp" => Transport::Icmp,
        _ => return Err("must be one of tcp, udp, icmp, sctp".to_owned()),
    })
}

fn sender(text: &str) -> Result<From, String> {
    match text.split_once(':') {
        None if text == "outside" => Ok(From::Outside(None)),
        Some(("outside", device)) if !device.is_empty() => {
            Ok(From::Outside(Some(device.to_owned())))
        }
        None if text == "host" => Ok(From::Host),
        None if !text.is_empty() => Ok(From::Container(text.to_owned())),
        _ => Err("must be outside[:IFACE], host or a container".to_owned()),
    }
}

fn format(text: &str) -> Result<Format, String> {
    match text {
        "text" => Ok(Format::Text),
        "json" => Ok(Format::Json),
        _ => Err("must be text or json".to_owned()),
    }
}

fn run(call: &Call) -> Outcome {
    let line: Explain = call.parse()?;
    let destination: Option<Destination> = line
        .destination
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|error: String| Stop::failed(error))?;
    let asked = Asked {
        container: line.container,
        destination,
        transport: line.proto,
        from: line.from,
    };
    let explained = call.engine()?.explain(&asked)?;
    let text = match (line.format, &explained) {
        (Format::Text, Explained::Overview(overview)) => overview.text(),
        (Format::Text, Explained::Ways(stories)) => {
            let texts: Vec<String> = stories.iter().map(Story::text).collect();
            texts.join("\n")
        }
        (Format::Json, Explained::Overview(overview)) => pretty(overview)?,
        (Format::Json, Explained::Ways(stories)) => pretty(stories)?,
    };
    say(&text);
    Ok(0)
}

fn pretty(value: &impl serde::Serialize) -> Result<String, Stop> {
    let value: Value = serde_json::to_value(value).map_err(Stop::failed)?;
    Ok(format!("{}\n", json::indented(&value)))
}

#[cfg(test)]
mod tests {
    use super::{From, sender};

    #[test]
    fn senders_are_the_outside_the_host_or_containers() {
        assert_eq!(sender("outside"), Ok(From::Outside(None)));
        let by = From::Outside(Some("eth0".to_owned()));
        assert_eq!(sender("outside:eth0"), Ok(by));
        assert_eq!(sender("host"), Ok(From::Host));
        assert_eq!(sender("web"), Ok(From::Container("web".to_owned())));
        for wrong in ["", "outside:", "inside:eth0"] {
            assert!(sender(wrong).is_err(), "{wrong}");
        }
    }
}
