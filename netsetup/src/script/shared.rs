//! What others see of a container: its lease, its names, its published ports.

use std::net::IpAddr;
use std::path::Path;

use ipnet::IpNet;

use super::Group;
use super::quote::{here, word};
use crate::apply::publish::ZONE;
use crate::files::zone::{self, Entry};
use crate::kernel::nft::lines::{port_lines, reach_lines};
use crate::model::endpoint::Endpoint;
use crate::model::port::{ContainerPort, Protocol, PublishedPort};
use crate::plan::endpoint::addresses;
use crate::store::ENDPOINTS;

fn shown(path: &Path) -> String {
    word(&path.to_string_lossy())
}

pub(super) fn lease(path: &Path, owner: &str) -> Group {
    let address = path.file_name().unwrap_or_default().to_string_lossy();
    let mut lines = Vec::new();
    lines.extend(path.parent().map(|dir| format!("mkdir -p {}", shown(dir))));
    // Noclobber: of several that want the address one gets it.
    lines.push(format!(
        "( set -C; printf %s {} > {} )",
        word(owner),
        shown(path)
    ));
    Group::new(format!("{address} is leased: the file is the lease"), lines)
}

pub(super) fn publish(run_dir: &Path, endpoint: &Endpoint) -> Group {
    let directory = run_dir.join(ENDPOINTS);
    let record = directory.join(format!("{}.json", endpoint.owner));
    let mut lines = vec![format!("mkdir -p {}", shown(&directory))];
    // Its keys are texts: there is nothing that JSON could not hold.
    let json = serde_json::to_string(endpoint).unwrap_or_default();
    lines.extend(here(&format!("cat > {}", shown(&record)), [json]));
    if !endpoint.dns_names.is_empty() {
        let entries: Vec<Entry> = addresses(endpoint)
            .into_iter()
            .map(|(ip, _)| Entry {
                ip,
                names: endpoint.dns_names.clone(),
            })
            .collect();
        let names = zone::changed("", &[], &entries);
        let zone = shown(&run_dir.join(ZONE));
        lines.extend(here(
            &format!("cat >> {zone}"),
            names.lines().map(str::to_owned),
        ));
    }
    Group::new(
        format!(
            "network {} knows the container, and its resolvers the names",
            endpoint.network
        ),
        lines,
    )
}

pub(super) fn ports(
    ports: &[PublishedPort],
    to: IpAddr,
    shortcuts: &[IpNet],
    owner: &str,
) -> Vec<Group> {
    let mut groups = vec![Group::new(
        format!("published ports lead to {to}"),
        here("nft -f -", port_lines(ports, to, shortcuts, owner)),
    )];
    let udp = ports
        .iter()
        .filter(|port| port.container.protocol == Protocol::Udp);
    let forget: Vec<String> = udp
        .map(|port| format!("conntrack -D -p udp --dport {} || true", port.host_port))
        .collect();
    if !forget.is_empty() {
        groups.push(Group::new(
            "clients that send datagrams there already reach it, too",
            forget,
        ));
    }
    groups
}

pub(super) fn reach(
    ports: &[ContainerPort],
    at: IpAddr,
    interfaces: &[String],
    owner: &str,
) -> Group {
    Group::new(
        format!("published ports are open at {at} itself"),
        here("nft -f -", reach_lines(ports, at, interfaces, owner)),
    )
}
