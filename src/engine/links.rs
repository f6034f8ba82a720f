//! Legacy links on the default bridge: names and variables that the consumer
//! gets about its sources.
//!
//! ```text
//!  consumer's record:   links = ["<source id>:<alias>:<source's name then>", …]
//!  source's directory:  consumers/<consumer id>     so that nobody is asked who links to nobody
//! ```
//!
//! The record is what counts. A consumer's entry at a source is made before its record and taken
//! away after it, so it may outlive it, and is then taken away by whoever finds it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use rbox_netsetup::files::hosts::LinkedHost;
use rbox_netsetup::files::link_env::{LinkEnvInput, link_env};

use super::dirs::Dirs;
use super::failure::{Context, Failure};
use super::names;
use super::protocol::Request;
use super::record::{Container, Record, short};
use super::{Engine, connection, containers};

/// Directory of a container with an empty file for each one that links to it.
const CONSUMERS: &str = "consumers";

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
    let mut parts = link.splitn(3, ':');
    let source = parts.next().unwrap_or_default();
    (source, parts.next().unwrap_or(source))
}

/// The name that a link's source has now, or had when it was linked where it is gone.
pub fn source_name(dirs: &Dirs, link: &str) -> String {
    let (source, _) = parts(link);
    let record = containers::read_record(&dirs.container(source));
    match record.ok().flatten() {
        Some(record) => record.name,
        None => link
            .splitn(3, ':')
            .nth(2)
            .unwrap_or(short(source))
            .to_owned(),
    }
}

fn look_up(dirs: &Dirs, record: &Record, link: &str) -> Result<(Container, LinkedHost), Failure> {
    let (id, alias) = parts(link);
    let source = containers::load(dirs, id)?;
    let on_bridge = |source: &Container| {
        let networks = &source.record.networks;
        networks.iter().any(|known| known.network == "bridge")
    };
    if let Some(source) = &source
        && !on_bridge(source)
    {
        return Err(Failure::new(format!(
            "Cannot link to /{}, as it does not belong to the default network",
            source.record.name
        ))
        .hint(
            "on a network of their own (`rbox network create`) containers know each other by name",
        ));
    }
    let found = source.and_then(|source| {
        let endpoints = &source.run.as_ref()?.sandbox.endpoints;
        let own =
            |endpoint: &&rbox_netsetup::model::endpoint::Endpoint| endpoint.network == "bridge";
        let (ip, _) = endpoints.iter().find(own)?.ip?;
        let host = LinkedHost {
            ip: IpAddr::V4(ip),
            alias: alias.to_owned(),
            short_id: source.record.short_id().to_owned(),
            name: source.record.name.clone(),
        };
        Some((source, host))
    });
    found.ok_or_else(|| {
        Failure::new(format!(
            "Cannot link to a non running container: /{} AS /{}/{alias}",
            source_name(dirs, link),
            record.name
        ))
    })
}

/// The source that `CONSUMER/ALIAS` stands for.
pub fn target(dirs: &Dirs, consumer: &str, alias: &str) -> Option<String> {
    let consumer = names::named(dirs, consumer)?;
    let record = containers::read_record(&dirs.container(&consumer)).ok()??;
    let mut links = record.host.links.iter().map(|link| parts(link));
    let (source, _) = links.find(|(_, name)| *name == alias)?;
    dirs.container(source).is_dir().then(|| source.to_owned())
}

/// The names that links give: `consumer/alias`, by the id of the source.
pub fn names_given(containers: &[Container]) -> BTreeMap<String, Vec<String>> {
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for consumer in containers {
        for link in &consumer.record.host.links {
            let (source, alias) = parts(link);
            let name = format!("{}/{alias}", consumer.record.name);
            names.entry(source.to_owned()).or_default().push(name);
        }
    }
    names
}

/// Tells the sources of a container that is being made.
pub fn register(dirs: &Dirs, record: &Record) -> Result<(), Failure> {
    for link in &record.host.links {
        let source = dirs.container(parts(link).0);
        let directory = source.join(CONSUMERS);
        let failed = || format!("write {}", directory.display());
        loop {
            match make_entry(&directory, &record.id) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => break other.context(failed)?,
            }
            // The last other consumer took the directory along, or the source is removed.
            if !source.exists() {
                let name = source_name(dirs, link);
                return Err(Failure::new(format!(
                    "could not get container for {name}: No such container: {name}"
                )));
            }
        }
    }
    Ok(())
}

fn make_entry(directory: &Path, consumer: &str) -> io::Result<()> {
    match fs::create_dir(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    fs::write(directory.join(consumer), "")
}

/// Takes the container's entries at its sources away.
pub fn unregister(dirs: &Dirs, record: &Record) -> Result<(), Failure> {
    for link in &record.host.links {
        remove_entry(dirs, parts(link).0, &record.id)?;
    }
    Ok(())
}

fn remove_entry(dirs: &Dirs, source: &str, consumer: &str) -> Result<(), Failure> {
    let directory = dirs.container(source).join(CONSUMERS);
    let path = directory.join(consumer);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).context(|| format!("remove {}", path.display()));
        }
        _ => {}
    }
    // Others' entries keep it.
    let _ = fs::remove_dir(&directory);
    Ok(())
}

/// Whether some container links, or has linked, to this one.
pub fn has_consumers(dirs: &Dirs, source: &str) -> bool {
    dirs.container(source).join(CONSUMERS).exists()
}

/// Tells the running containers that link to this one, as [`Engine::tell_consumers`].
pub fn tell_consumers(dirs: &Dirs, source: &str) -> Result<(), Failure> {
    for consumer in names::ids(&dirs.container(source).join(CONSUMERS))? {
        let record = containers::read_record(&dirs.container(&consumer))?;
        let links = record.map(|record| record.host.links).unwrap_or_default();
        if links.iter().any(|link| parts(link).0 == source) {
            connection::ask(dirs, &consumer, Request::SourceMoved)?;
        } else if !dirs.container(&consumer).exists() {
            remove_entry(dirs, source, &consumer)?;
        }
    }
    Ok(())
}

impl Engine {
    /// Tells the running containers that link to this one what it is called and where it is now.
    /// Without any it is one look at a directory that is not there.
    pub(super) fn tell_consumers(&self, source: &str) -> Result<(), Failure> {
        match has_consumers(&self.dirs, source) {
            true => tell_consumers(&self.dirs, source),
            false => Ok(()),
        }
    }

    /// Takes a link away, `CONSUMER/ALIAS`: the consumer forgets the name, the source stays.
    pub fn unlink(&self, name: &str) -> Result<(), Failure> {
        names::resolve(&self.dirs, name)?;
        let plain = name.strip_prefix('/').unwrap_or(name);
        let Some((consumer, alias)) = plain.split_once('/') else {
            return Err(Failure::new(
                "Conflict, cannot remove the default link name of the container",
            )
            .hint("a link is named by its consumer: `rbox rm --link CONSUMER/ALIAS`"));
        };
        let absent = || Failure::no_such_container(name);
        let consumer = names::named(&self.dirs, consumer).ok_or_else(absent)?;
        let request = Request::Unlinked {
            alias: alias.to_owned(),
        };
        let mut gone = None;
        self.change(&consumer, request, |record| {
            let links = &mut record.host.links;
            let at = links.iter().position(|link| parts(link).1 == alias);
            let source = parts(&links.remove(at.ok_or_else(absent)?)).0.to_owned();
            if !links.iter().any(|link| parts(link).0 == source) {
                gone = Some(source);
            }
            Ok(())
        })?;
        match gone {
            Some(source) => remove_entry(&self.dirs, &source, &consumer),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_has_a_source_an_alias_and_perhaps_the_name_of_then() {
        assert_eq!(parts("db"), ("db", "db"));
        assert_eq!(parts("db:data"), ("db", "data"));
        assert_eq!(parts("0123:data:db"), ("0123", "data"));
    }

    #[test]
    fn the_name_of_a_source_that_is_gone_is_the_one_it_had() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Dirs {
            root: dir.path().to_owned(),
            run_root: dir.path().join("run"),
        };
        assert_eq!(source_name(&dirs, "0123:data:db"), "db");
        assert_eq!(source_name(&dirs, &"7".repeat(64)), "7".repeat(12));
    }
}
