//! Legacy links on the default bridge: names and variables that the consumer
//! gets about its sources.

use std::net::IpAddr;

use rbox_netsetup::files::hosts::LinkedHost;
use rbox_netsetup::files::link_env::{LinkEnvInput, link_env};

use super::containers;
use super::dirs::Dirs;
use super::failure::Failure;
use super::record::Record;

/// What a container's links resolve to at its start.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// Lines for /etc/hosts.
    pub hosts: Vec<LinkedHost>,
    /// Variables.
    pub env: Vec<String>,
}

/// Looks up the sources; each must run on the default bridge.
pub fn resolve(dirs: &Dirs, record: &Record) -> Result<Links, Failure> {
    let mut links = Links::default();
    for link in &record.host.links {
        let (target, alias) = link.split_once(':').unwrap_or((link, link));
        let source = containers::find(dirs, target).map_err(|failure| {
            Failure::new(format!("could not get container for {target}: {failure}"))
        })?;
        let name = &source.record.name;
        let address = source.run.as_ref().and_then(|run| {
            run.sandbox
                .endpoints
                .iter()
                .find(|endpoint| endpoint.network == "bridge")
                .and_then(|endpoint| endpoint.ip)
        });
        let Some((ip, _)) = address else {
            return Err(Failure::new(format!(
                "Cannot link to a non running container: /{name} AS /{}/{alias}",
                record.name
            )));
        };
        let ip = IpAddr::V4(ip);
        links.hosts.push(LinkedHost {
            ip,
            alias: alias.to_owned(),
            short_id: source.record.short_id().to_owned(),
            name: name.clone(),
        });
        links.env.extend(link_env(&LinkEnvInput {
            alias,
            consumer: &record.name,
            ip,
            ports: &source.record.config.exposed_ports,
            env: &source.record.config.env,
        }));
    }
    Ok(links)
}
