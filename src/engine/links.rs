//! Legacy links on the default bridge: names and variables that the consumer
//! gets about its sources.

use std::net::IpAddr;

use rbox_netsetup::files::hosts::LinkedHost;
use rbox_netsetup::files::link_env::{LinkEnvInput, link_env};

use super::dirs::Dirs;
use super::failure::Failure;
use super::protocol::Request;
use super::record::{Container, Record};
use super::{Engine, connection, containers};

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
        let (source, host) = look_up(dirs, record, link)?;
        links.env.extend(link_env(&LinkEnvInput {
            alias: &host.alias,
            consumer: &record.name,
            ip: host.ip,
            ports: &source.record.config.exposed_ports,
            env: &source.record.config.env,
        }));
        links.hosts.push(host);
    }
    Ok(links)
}

/// The sources that run now.
pub fn running(dirs: &Dirs, record: &Record) -> Vec<LinkedHost> {
    let found = |link: &String| look_up(dirs, record, link).ok().map(|(_, host)| host);
    record.host.links.iter().filter_map(found).collect()
}

/// `SOURCE:ALIAS` in its parts.
pub fn parts(link: &str) -> (&str, &str) {
    link.split_once(':').unwrap_or((link, link))
}

/// The name that a source has now; its id where it is gone.
pub fn source_name(dirs: &Dirs, id: &str) -> String {
    let record = containers::read_record(&dirs.container(id)).ok().flatten();
    record.map_or_else(|| id.to_owned(), |record| record.name)
}

fn look_up(dirs: &Dirs, record: &Record, link: &str) -> Result<(Container, LinkedHost), Failure> {
    let (target, alias) = parts(link);
    let source = containers::find(dirs, target).map_err(|failure| {
        Failure::new(format!("could not get container for {target}: {failure}"))
    })?;
    let name = source.record.name.clone();
    let address = source.run.as_ref().and_then(|run| {
        let endpoints = &run.sandbox.endpoints;
        endpoints
            .iter()
            .find(|endpoint| endpoint.network == "bridge")?
            .ip
    });
    let Some((ip, _)) = address else {
        return Err(Failure::new(format!(
            "Cannot link to a non running container: /{name} AS /{}/{alias}",
            record.name
        )));
    };
    let short_id = source.record.short_id().to_owned();
    Ok((
        source,
        LinkedHost {
            ip: IpAddr::V4(ip),
            alias: alias.to_owned(),
            short_id,
            name,
        },
    ))
}

impl Engine {
    /// Tells the running containers that link to this one where it is now.
    pub(super) fn tell_consumers(&self, source: &str) -> Result<(), Failure> {
        for consumer in containers::survey(&self.dirs)?.containers {
            let linked = consumer
                .record
                .host
                .links
                .iter()
                .any(|link| parts(link).0 == source);
            if !linked || consumer.run.is_none() {
                continue;
            }
            connection::ask(&self.dirs, &consumer.record.id, Request::SourceMoved)?;
        }
        Ok(())
    }
}
