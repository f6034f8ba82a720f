//! `port`.

use rbox_netsetup::model::natural_order::natural;
use rbox_netsetup::model::port::{Protocol, PublishedPort};
use rbox_netsetup::model::port_display;
use rbox_netsetup::model::strconv;

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::{Outcome, Stop};

/// `port`.
pub static SPEC: Spec = Spec {
    usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
    about: "List port mappings or a specific mapping for the container",
    arity: Arity::Between(1, 2),
    interspersed: true,
    run,
    examples: "\
rbox port web
rbox port web 80/tcp
",
    ..Spec::of::<Port>()
};

#[derive(clap::Parser)]
struct Port {
    #[arg(hide = true)]
    container: String,
    #[arg(hide = true)]
    port: Option<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Port = call.parse()?;
    let published = call.engine()?.port(&line.container)?;
    let lines = match &line.port {
        None => port_display::lines(&published),
        Some(port) => one(port, &line.container, &published).map_err(Stop::failed)?,
    };
    for line in lines {
        say(&format!("{line}\n"));
    }
    Ok(0)
}

/// The host side of one port.
fn one(port: &str, container: &str, published: &[PublishedPort]) -> Result<Vec<String>, String> {
    let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
    let number =
        strconv::parse_port(number).map_err(|error| format!("invalid port ({number}): {error}"))?;
    let protocol = match protocol {
        "tcp" | "" => Some(Protocol::Tcp),
        "udp" => Some(Protocol::Udp),
        _ => None,
    };
    let mut lines: Vec<String> = published
        .iter()
        .filter(|entry| {
            entry.container.port == number && Some(entry.container.protocol) == protocol
        })
        .map(port_display::host_side)
        .collect();
    lines.sort_by(|a, b| natural(a, b));
    if lines.is_empty() {
        return Err(format!("No public port '{port}' published for {container}"));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::one;
    use rbox_netsetup::model::port::PublishedPort;

    #[test]
    fn one_port_shows_its_host_side() {
        let published = |ip: &str, host: u16| PublishedPort {
            container: "80/tcp".parse().unwrap(),
            host_ip: ip.parse().unwrap(),
            host_port: host,
        };
        let ports = [published("::", 8080), published("0.0.0.0", 8080)];
        assert_eq!(
            one("80", "c", &ports).unwrap(),
            ["0.0.0.0:8080", "[::]:8080"]
        );
        assert_eq!(one("80/tcp", "c", &ports).unwrap().len(), 2);
        assert_eq!(
            one("80/udp", "c", &ports).unwrap_err(),
            "No public port '80/udp' published for c"
        );
        assert_eq!(
            one("81", "c", &ports).unwrap_err(),
            "No public port '81' published for c"
        );
        assert_eq!(
            one("bogus", "c", &ports).unwrap_err(),
            "invalid port (bogus): strconv.ParseUint: parsing \"bogus\": invalid syntax"
        );
    }
}
