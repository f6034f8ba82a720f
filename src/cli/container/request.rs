//! Flags of `run` and `create` to a request: what one flag alone cannot say,
//! in the order in which Docker checks it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rbox_images::Reference;
use rbox_netsetup::model::attachment::{AttachmentFlags, attachments, parse_mac};
use rbox_netsetup::model::port_grammar::{parse_expose, parse_publish};

use super::flags::ContainerFlags;
use crate::cli::parse::env::{self, Variable};
use crate::cli::parse::hosts::Dns;
use crate::cli::parse::security::{self, Refusal};
use crate::cli::parse::{
    Invalid, capability, device, health, logging, modes, restart, tmpfs, volume,
};
use crate::engine::failure::Failure;
use crate::engine::request::{ContainerRequest, Healthcheck, HostConfig, NetworkMode, PullPolicy};
use crate::engine::signals;

/// Who refuses: Docker's client or its engine; `create` tells them apart.
#[derive(Debug)]
pub enum Refused {
    /// Before the engine is asked.
    Client(Failure),
    /// By the engine.
    Engine(Failure),
}

/// What the request needs of the client's surroundings.
pub struct Client<'a> {
    /// Where relative paths start.
    pub here: &'a Path,
    /// The client's environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a file; the error is Go's: `open x: no such file or directory`.
    pub read: &'a dyn Fn(&str) -> Result<Vec<u8>, String>,
    /// Rows and columns of its terminal, zero where it has none.
    pub console: (u16, u16),
}

/// Makes the request.
pub fn build(
    flags: &ContainerFlags,
    image: &str,
    command: &[String],
    client: &Client<'_>,
) -> Result<ContainerRequest, Refused> {
    let pull = pull_policy(&flags.pull)?;
    if let Some(mac) = &flags.mac_address {
        parse_mac(mac).map_err(refuse)?;
    }
    let mut request = ContainerRequest {
        name: flags.name.clone().filter(|name| !name.is_empty()),
        image: image.to_owned(),
        command: command.to_vec(),
        // An empty one is no word.
        entrypoint: flags
            .entrypoint
            .clone()
            .map(|path| Vec::from_iter(given(&Some(path)))),
        hostname: given(&flags.hostname),
        domainname: given(&flags.domainname),
        user: given(&flags.user),
        workdir: given(&flags.workdir),
        tty: flags.tty,
        interactive: flags.interactive,
        stop_signal: given(&flags.stop_signal),
        stop_timeout: flags.stop_timeout,
        pull,
        cidfile: flags
            .cidfile
            .clone()
            .filter(|path| !path.as_os_str().is_empty()),
        ..ContainerRequest::default()
    };
    let host = &mut request.host;
    mounts(flags, client, host)?;
    for publish in &flags.publish {
        host.port_bindings
            .extend(parse_publish(publish).map_err(refuse)?);
    }
    for expose in &flags.expose {
        request.expose.extend(parse_expose(expose).map_err(refuse)?);
    }
    for text in &flags.device {
        host.devices.push(device::device(text).map_err(refuse)?);
    }
    request.env = environment(&flags.env_file, &flags.env, client).map_err(refuse)?;
    request.labels = labels(flags, client).map_err(refuse)?;
    modes::pid(&flags.pid).map_err(refuse)?;
    modes::uts(&flags.uts).map_err(refuse)?;
    modes::userns(&flags.userns).map_err(refuse)?;
    modes::cgroupns(&flags.cgroupns).map_err(refuse)?;
    request.healthcheck = healthcheck(flags).map_err(refuse)?;
    let host = &mut request.host;
    host.restart = restart::policy(&flags.restart, flags.rm).map_err(refuse)?;
    host.log_opts = flags.log_opt.iter().cloned().collect();
    host.log_driver = logging::driver(&flags.log_driver, &host.log_opts).map_err(refuse)?;
    let security = security::options(&flags.security_opt, |path| {
        (client.read)(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    })
    .map_err(|refusal| match refusal {
        Refusal::Client(invalid) => refuse(invalid),
        Refusal::Engine(invalid) => engine(invalid),
    })?;
    host.security_opt = flags.security_opt.clone();
    host.seccomp = security.seccomp;
    host.no_new_privileges = security.no_new_privileges;
    host.unmask_paths = security.unmask_paths;
    networks(flags, &mut request)?;
    image
        .parse::<Reference>()
        .map(|_| ())
        .or_else(image_id(image))
        .map_err(refuse)?;
    settings(flags, client, &mut request.host);
    engine_checks(flags, &mut request)?;
    Ok(request)
}

fn refuse(error: impl std::fmt::Display) -> Refused {
    Refused::Client(Failure::new(error.to_string()))
}

fn engine(error: impl std::fmt::Display) -> Refused {
    Refused::Engine(Failure::new(error.to_string()))
}

fn given(text: &Option<String>) -> Option<String> {
    text.clone().filter(|text| !text.is_empty())
}

/// An id is no reference, yet names an image.
fn image_id<E>(image: &str) -> impl FnOnce(E) -> Result<(), E> {
    let hex = image.strip_prefix("sha256:").unwrap_or(image);
    let is_id = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    move |error| if is_id { Ok(()) } else { Err(error) }
}

fn pull_policy(text: &str) -> Result<PullPolicy, Refused> {
    match text {
        "always" => Ok(PullPolicy::Always),
        "missing" | "" => Ok(PullPolicy::Missing),
        "never" => Ok(PullPolicy::Never),
        other => Err(refuse(format!(
            "invalid pull option: '{other}': must be one of \"always\", \"missing\" or \"never\""
        ))),
    }
}

fn mounts(
    flags: &ContainerFlags,
    client: &Client<'_>,
    host: &mut HostConfig,
) -> Result<(), Refused> {
    for text in &flags.volume {
        let given = volume::volume(text, client.here).map_err(engine)?;
        host.binds.extend(given.text);
        host.mounts.push(given.mount);
    }
    for fields in &flags.mount {
        host.mounts
            .push(fields.request(client.here).map_err(engine)?);
    }
    host.volumes_from.clone_from(&flags.volumes_from);
    host.volume_driver.clone_from(&flags.volume_driver);
    Ok(())
}

/// `--env-file` first, then `-e`.
pub fn environment(
    files: &[String],
    variables: &[Variable],
    client: &Client<'_>,
) -> Result<Vec<(String, String)>, Invalid> {
    let mut all = Vec::new();
    for path in files {
        all.extend(read_pairs(path, "env", client)?);
    }
    all.extend(variables.iter().cloned());
    Ok(env::resolve(all, client.variable))
}

fn read_pairs(path: &str, what: &str, client: &Client<'_>) -> Result<Vec<Variable>, Invalid> {
    let content = (client.read)(path).map_err(Invalid)?;
    env::file(&content).map_err(|error| Invalid(format!("invalid {what} file ({path}): {error}")))
}

fn labels(
    flags: &ContainerFlags,
    client: &Client<'_>,
) -> Result<BTreeMap<String, String>, Invalid> {
    let mut labels = BTreeMap::new();
    for path in &flags.label_file {
        // A key without a value in a file is left out, as Docker does.
        let pairs = read_pairs(path, "label", client)?;
        labels.extend(env::resolve(pairs, |_| None));
    }
    labels.extend(flags.label.iter().cloned());
    Ok(labels)
}

fn healthcheck(flags: &ContainerFlags) -> Result<Option<Healthcheck>, Invalid> {
    let command = given(&flags.health_cmd);
    let given = Healthcheck {
        test: command.map_or_else(Vec::new, |command| vec!["CMD-SHELL".to_owned(), command]),
        interval: flags.health_interval.unwrap_or_default(),
        timeout: flags.health_timeout.unwrap_or_default(),
        start_period: flags.health_start_period.unwrap_or_default(),
        start_interval: flags.health_start_interval.unwrap_or_default(),
        retries: flags.health_retries.unwrap_or_default(),
    };
    health::check(given, flags.no_healthcheck)
}

fn networks(flags: &ContainerFlags, request: &mut ContainerRequest) -> Result<(), Refused> {
    let endpoints = attachments(&AttachmentFlags {
        networks: flags.network.clone(),
        aliases: flags.network_alias.clone(),
        ip: given(&flags.ip),
        ip6: given(&flags.ip6),
        mac_address: given(&flags.mac_address),
        links: flags.link.clone(),
        ..AttachmentFlags::default()
    })
    .map_err(refuse)?;
    let first = endpoints
        .first()
        .map_or("bridge", |endpoint| endpoint.network.as_str());
    let host = &mut request.host;
    host.mac_address = given(&flags.mac_address);
    host.network_mode = match first {
        "bridge" => NetworkMode::Bridge,
        "host" => NetworkMode::Host,
        "none" => NetworkMode::None,
        name if name.starts_with("ns:") => NetworkMode::Namespace(namespace(&name[3..])?),
        name => match name.strip_prefix("container") {
            Some("" | ":") => {
                return Err(engine(
                    "invalid network mode: invalid container format container:<name|id>",
                ));
            }
            Some(rest) if rest.starts_with(':') => NetworkMode::Container(rest[1..].to_owned()),
            _ => NetworkMode::Network(name.to_owned()),
        },
    };
    if !matches!(host.network_mode, NetworkMode::Network(_)) {
        host.links = flags.link.clone();
    }
    if !matches!(
        host.network_mode,
        NetworkMode::Container(_) | NetworkMode::Namespace(_)
    ) {
        request.networks = endpoints;
    }
    Ok(())
}

/// The path of `--network ns:PATH`.
fn namespace(path: &str) -> Result<PathBuf, Refused> {
    if path.starts_with('/') {
        return Ok(PathBuf::from(path));
    }
    let failure = Failure::new(format!(
        "invalid network mode: ns:{path}: the path of a network namespace is absolute"
    ));
    Err(Refused::Engine(failure.hint(
        "`ip netns add blue` makes one at /run/netns/blue: --network ns:/run/netns/blue",
    )))
}

fn settings(flags: &ContainerFlags, client: &Client<'_>, host: &mut HostConfig) {
    host.auto_remove = flags.rm;
    host.publish_all = flags.publish_all;
    host.dns_none = flags.dns.contains(&Dns::None);
    host.dns = flags
        .dns
        .iter()
        .filter_map(|dns| match dns {
            Dns::Server(address) => Some(*address),
            Dns::None => None,
        })
        .collect();
    host.dns_search = flags.dns_search.clone();
    host.dns_options = flags.dns_option.clone();
    host.extra_hosts = flags.add_host.clone();
    host.privileged = flags.privileged;
    host.readonly_rootfs = flags.read_only;
    host.init = flags.init;
    host.memory = flags.memory.unwrap_or_default();
    host.memory_swap = flags.memory_swap.unwrap_or_default();
    host.memory_reservation = flags.memory_reservation.unwrap_or_default();
    host.nano_cpus = flags.cpus.unwrap_or_default();
    host.cpu_shares = flags.cpu_shares.unwrap_or_default();
    host.cpu_quota = flags.cpu_quota.unwrap_or_default();
    host.cpu_period = flags.cpu_period.unwrap_or_default();
    host.cpuset_cpus = flags.cpuset_cpus.clone();
    host.cpuset_mems = flags.cpuset_mems.clone();
    host.pids_limit = flags.pids_limit.unwrap_or_default();
    host.ulimits = flags.ulimit.clone();
    host.oom_score_adj = flags.oom_score_adj.unwrap_or_default();
    host.shm_size = flags.shm_size.unwrap_or_default();
    host.sysctls = flags.sysctl.iter().cloned().collect();
    host.group_add = flags.group_add.clone();
    host.pid_mode = flags.pid.clone();
    host.ipc_mode = flags.ipc.clone();
    host.uts_mode = flags.uts.clone();
    host.userns_mode = flags.userns.clone();
    host.cgroupns_mode = flags.cgroupns.clone();
    host.cgroup_parent = flags.cgroup_parent.clone();
    host.console_size = client.console;
    host.cidfile = flags
        .cidfile
        .as_ref()
        .map(|path| path.display().to_string())
        .unwrap_or_default();
}

/// What Docker leaves to its engine and needs nothing but the flags.
fn engine_checks(flags: &ContainerFlags, request: &mut ContainerRequest) -> Result<(), Refused> {
    let host = &mut request.host;
    host.cap_add = capability::list("CapAdd", &flags.cap_add).map_err(engine)?;
    host.cap_drop = capability::list("CapDrop", &flags.cap_drop).map_err(engine)?;
    modes::ipc(&flags.ipc).map_err(engine)?;
    for text in &flags.tmpfs {
        let (path, options) = tmpfs::tmpfs(text).map_err(engine)?;
        host.tmpfs.insert(path, options);
    }
    if let Some(signal) = &request.stop_signal
        && signals::parse(signal).is_none()
    {
        return Err(engine(format!("invalid signal: {signal}")));
    }
    if !(-1000..=1000).contains(&host.oom_score_adj) {
        return Err(engine(format!(
            "Invalid value {}, range for oom score adj is [-1000, 1000]",
            host.oom_score_adj
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
