//! `services.NAME`.

use std::collections::BTreeMap;

use super::fields::Fields;
use super::item::Item;
use super::{ReadService, build, deploy, files, health, mounts, networks, ports};
use crate::file::error::LoadError;
use crate::file::words;
use crate::model::{Condition, Dependency, Service};

/// Keys of the Compose Specification that nothing here could do.
pub const UNSUPPORTED: &[&str] = &[
    "annotations",
    "blkio_config",
    "cpu_count",
    "cpu_percent",
    "cpu_rt_period",
    "cpu_rt_runtime",
    "credential_spec",
    "device_cgroup_rules",
    "gpus",
    "isolation",
    "mem_swappiness",
    "models",
    "oom_kill_disable",
    "post_start",
    "pre_stop",
    "provider",
    "pull_refresh_after",
    "runtime",
    "storage_opt",
    "use_api_socket",
    "volume_driver",
];

/// Reads a service.
pub fn read(name: &str, item: &Item) -> Result<ReadService, LoadError> {
    let mut fields = item.fields()?;
    fields.refuse(UNSUPPORTED)?;
    let mut service = Service {
        name: name.to_owned(),
        ..Service::default()
    };
    what(&mut fields, &mut service)?;
    process(&mut fields, &mut service)?;
    surroundings(&mut fields, &mut service)?;
    limits(&mut fields, &mut service)?;
    let scale = fields.opt("scale", Item::small)?;
    deploy::read(&mut fields, &mut service, scale)?;
    // What `watch` would do, which is a command of its own.
    fields.get("develop");
    let read = ReadService {
        env_files: fields.or_default("env_file", files::env_files)?,
        label_files: fields.or_default("label_file", files::label_files)?,
        service,
    };
    fields.finish()?;
    let service = &read.service;
    if service.image.is_none() && service.build.is_none() {
        return Err(fields.error("has neither an image nor a build context specified"));
    }
    if service.container_name.is_some() && service.replicas.is_some_and(|count| count > 1) {
        return Err(fields.conflict("container_name", "is one, and there are to be several"));
    }
    Ok(read)
}

/// Which image, and what of it.
fn what(fields: &mut Fields, service: &mut Service) -> Result<(), LoadError> {
    service.profiles = fields.or_default("profiles", Item::texts)?;
    service.image = fields.word("image")?;
    service.build = fields.opt("build", build::read)?;
    service.pull_policy = fields.opt("pull_policy", |item| {
        let known = ["always", "missing", "if_not_present", "never", "build"];
        match item.one_of(&known)?.as_str() {
            "if_not_present" => Ok("missing".to_owned()),
            policy => Ok(policy.to_owned()),
        }
    })?;
    service.platform = fields.word("platform")?;
    service.container_name = fields.word("container_name")?;
    service.labels = fields.or_default("labels", Item::full_pairs)?;
    service.attach = fields.opt("attach", Item::boolean)?;
    service.depends_on = fields.or_default("depends_on", depends_on)?;
    Ok(())
}

/// What runs, and as what.
fn process(fields: &mut Fields, service: &mut Service) -> Result<(), LoadError> {
    service.command = fields.opt("command", command)?;
    service.entrypoint = fields.opt("entrypoint", command)?;
    service.environment = fields.or_default("environment", Item::pairs)?;
    service.hostname = fields.word("hostname")?;
    service.domainname = fields.word("domainname")?;
    service.user = fields.word("user")?;
    service.working_dir = fields.word("working_dir")?;
    service.tty = fields.or_default("tty", Item::boolean)?;
    service.stdin_open = fields.or_default("stdin_open", Item::boolean)?;
    service.init = fields.or_default("init", Item::boolean)?;
    service.privileged = fields.or_default("privileged", Item::boolean)?;
    service.read_only = fields.or_default("read_only", Item::boolean)?;
    service.healthcheck = fields.opt("healthcheck", health::read)?;
    service.restart = fields.opt("restart", restart)?;
    service.stop_signal = fields.word("stop_signal")?;
    service.stop_grace_period = fields.opt("stop_grace_period", Item::duration)?;
    service.cap_add = fields.or_default("cap_add", Item::texts)?;
    service.cap_drop = fields.or_default("cap_drop", Item::texts)?;
    service.security_opt = fields.or_default("security_opt", Item::texts)?;
    service.group_add = fields.or_default("group_add", Item::texts_or_numbers)?;
    (service.log_driver, service.log_options) = fields.or_default("logging", |item| {
        let mut fields = item.fields()?;
        let driver = fields.word("driver")?;
        let options = fields.or_default("options", Item::full_pairs)?;
        fields.finish()?;
        Ok((driver, options))
    })?;
    Ok(())
}

/// Networks, mounts and namespaces.
fn surroundings(fields: &mut Fields, service: &mut Service) -> Result<(), LoadError> {
    service.ports = fields.or_default("ports", |item| {
        item.list()?.iter().map(ports::port).collect()
    })?;
    service.expose = fields.or_default("expose", |item| {
        item.list()?.iter().map(ports::expose).collect()
    })?;
    service.networks = fields.or_default("networks", networks::attachments)?;
    service.network_mode = fields.opt("network_mode", networks::mode)?;
    if service.network_mode.is_some() && !service.networks.is_empty() {
        let text = "network_mode and networks are mutually exclusive";
        return Err(fields.conflict("network_mode", text));
    }
    service.links = fields.or_default("links", Item::texts)?;
    service.external_links = fields.or_default("external_links", Item::texts)?;
    service.extra_hosts = fields.or_default("extra_hosts", networks::hosts)?;
    service.dns = fields.or_default("dns", Item::texts)?;
    service.dns_search = fields.or_default("dns_search", Item::texts)?;
    service.dns_opt = fields.or_default("dns_opt", Item::texts)?;
    service.mac_address = fields.word("mac_address")?;
    service.volumes = fields.or_default("volumes", mounts::mounts)?;
    service.volumes_from = fields.or_default("volumes_from", Item::texts)?;
    service.tmpfs = fields.or_default("tmpfs", Item::texts)?;
    service.configs = fields.or_default("configs", |item| mounts::grants(item, "/"))?;
    service.secrets = fields.or_default("secrets", |item| mounts::grants(item, "/run/secrets"))?;
    service.devices = fields.or_default("devices", mounts::devices)?;
    service.pid = fields.word("pid")?;
    service.ipc = fields.word("ipc")?;
    service.uts = fields.word("uts")?;
    service.userns_mode = fields.word("userns_mode")?;
    service.cgroup = fields.opt("cgroup", |item| item.one_of(&["host", "private"]))?;
    service.cgroup_parent = fields.word("cgroup_parent")?;
    service.sysctls = fields.or_default("sysctls", Item::full_pairs)?;
    Ok(())
}

/// What it may use.
fn limits(fields: &mut Fields, service: &mut Service) -> Result<(), LoadError> {
    service.ulimits = fields.or_default("ulimits", |item| {
        let entries = item.entries()?.into_iter();
        entries
            .map(|(name, item)| Ok((name, ulimit(&item)?)))
            .collect()
    })?;
    service.shm_size = fields.opt("shm_size", Item::bytes)?;
    service.memory = fields.opt("mem_limit", Item::bytes)?;
    service.memory_swap = fields.opt("memswap_limit", |item| match item.node.scalar() {
        Some("-1") => Ok(-1),
        _ => item.bytes(),
    })?;
    service.memory_reservation = fields.opt("mem_reservation", Item::bytes)?;
    service.nano_cpus = fields.opt("cpus", nano_cpus)?;
    service.cpu_shares = fields.opt("cpu_shares", Item::integer)?;
    service.cpu_quota = fields.opt("cpu_quota", Item::integer)?;
    service.cpu_period = fields.opt("cpu_period", Item::integer)?;
    service.cpuset = fields.opt("cpuset", Item::text_or_number)?;
    service.pids_limit = fields.opt("pids_limit", Item::integer)?;
    service.oom_score_adj = fields.opt("oom_score_adj", |item| {
        let score = item.small()?;
        match score {
            -1000..=1000 => Ok(score),
            _ => Err(item.error("must be from -1000 to 1000")),
        }
    })?;
    Ok(())
}

/// Processors in billionths.
pub fn nano_cpus(item: &Item) -> Result<i64, LoadError> {
    let cpus = item.number()?;
    if !(0.0..=1e6).contains(&cpus) {
        return Err(item.error("must be a number of processors"));
    }
    Ok((cpus * 1e9).round() as i64)
}

/// Words, or a text that is split as a shell does.
fn command(item: &Item) -> Result<Vec<String>, LoadError> {
    if item.node.scalar().is_some() {
        return words::split(&item.text()?).map_err(|why| item.error(why));
    }
    item.texts()
}

fn restart(item: &Item) -> Result<String, LoadError> {
    let text = item.word()?;
    let (policy, most) = match text.split_once(':') {
        Some((policy, most)) => (policy, Some(most)),
        None => (text.as_str(), None),
    };
    let known = ["no", "always", "unless-stopped", "on-failure"].contains(&policy);
    let counted = most.is_none_or(|most| policy == "on-failure" && most.parse::<u32>().is_ok());
    if known && counted {
        return Ok(text);
    }
    let known = "no, always, unless-stopped, on-failure[:N]";
    Err(item.error(format!("\"{text}\" is none of {known}")))
}

fn depends_on(item: &Item) -> Result<BTreeMap<String, Dependency>, LoadError> {
    let mut found = BTreeMap::new();
    for (name, item) in item.entries()? {
        let mut fields = item.fields()?;
        let dependency = Dependency {
            condition: condition(&fields.required("condition")?)?,
            restart: fields.or_default("restart", Item::boolean)?,
            required: fields.opt("required", Item::boolean)?.unwrap_or(true),
        };
        fields.finish()?;
        found.insert(name, dependency);
    }
    Ok(found)
}

fn condition(item: &Item) -> Result<Condition, LoadError> {
    let known = [
        "service_started",
        "service_healthy",
        "service_completed_successfully",
    ];
    Ok(match item.one_of(&known)?.as_str() {
        "service_started" => Condition::Started,
        "service_healthy" => Condition::Healthy,
        _ => Condition::Completed,
    })
}

fn ulimit(item: &Item) -> Result<(i64, i64), LoadError> {
    if item.node.as_mapping().is_none() {
        let limit = item.integer()?;
        return Ok((limit, limit));
    }
    let mut fields = item.fields()?;
    let soft = fields.required("soft")?.integer()?;
    let hard = fields.required("hard")?.integer()?;
    fields.finish()?;
    Ok((soft, hard))
}
