//! `services.NAME`, its keys in the order of the alphabet.

use serde_json::Value;

use super::fields::Fields;
use crate::file::units;
use crate::model::{
    Attachment, Build, Condition, Dependency, Grant, Healthcheck, Mount, Port, Service,
};

/// A service.
pub fn value(service: &Service) -> Value {
    let mut out = Fields::default();
    out.list("profiles", service.profiles.clone());
    out.some("attach", service.attach);
    out.some("build", service.build.as_ref().map(build));
    out.list("cap_add", service.cap_add.clone());
    out.list("cap_drop", service.cap_drop.clone());
    out.text("cgroup", &service.cgroup);
    out.text("cgroup_parent", &service.cgroup_parent);
    out.some("command", service.command.clone());
    out.list("configs", service.configs.iter().map(grant));
    out.text("container_name", &service.container_name);
    out.some("cpu_period", service.cpu_period);
    out.some("cpu_quota", service.cpu_quota);
    out.some("cpu_shares", service.cpu_shares);
    out.some("cpus", service.nano_cpus.map(|cpus| cpus as f64 / 1e9));
    out.text("cpuset", &service.cpuset);
    let dependencies = service.depends_on.iter();
    out.map(
        "depends_on",
        dependencies.map(|(name, it)| (name, dependency(it))),
    );
    out.list("devices", service.devices.clone());
    out.list("dns", service.dns.clone());
    out.list("dns_opt", service.dns_opt.clone());
    out.list("dns_search", service.dns_search.clone());
    out.text("domainname", &service.domainname);
    out.some("entrypoint", service.entrypoint.clone());
    out.pairs("environment", &service.environment);
    out.list("expose", service.expose.clone());
    out.list("external_links", service.external_links.clone());
    out.list("extra_hosts", hosts(&service.extra_hosts));
    out.list("group_add", service.group_add.clone());
    out.some("healthcheck", service.healthcheck.as_ref().map(healthcheck));
    out.text("hostname", &service.hostname);
    out.text("image", &service.image);
    out.flag("init", service.init);
    out.text("ipc", &service.ipc);
    out.texts("labels", &service.labels);
    out.list("links", service.links.clone());
    out.part("logging", logging(service));
    out.text("mac_address", &service.mac_address);
    out.bytes("mem_limit", service.memory);
    out.bytes("mem_reservation", service.memory_reservation);
    out.bytes("memswap_limit", service.memory_swap);
    out.text("network_mode", &service.network_mode);
    let networks = service.networks.iter();
    out.map(
        "networks",
        networks.map(|(name, it)| (name, attachment(it))),
    );
    out.some("oom_score_adj", service.oom_score_adj);
    out.text("pid", &service.pid);
    out.some("pids_limit", service.pids_limit);
    out.text("platform", &service.platform);
    out.list("ports", service.ports.iter().map(port));
    out.flag("privileged", service.privileged);
    out.text("pull_policy", &service.pull_policy);
    out.flag("read_only", service.read_only);
    out.text("restart", &service.restart);
    out.some("scale", service.replicas);
    out.list("secrets", service.secrets.iter().map(grant));
    out.list("security_opt", service.security_opt.clone());
    out.bytes("shm_size", service.shm_size);
    out.flag("stdin_open", service.stdin_open);
    out.some(
        "stop_grace_period",
        service.stop_grace_period.map(units::duration_text),
    );
    out.text("stop_signal", &service.stop_signal);
    out.texts("sysctls", &service.sysctls);
    out.list("tmpfs", service.tmpfs.clone());
    out.flag("tty", service.tty);
    let ulimits = service.ulimits.iter();
    out.map("ulimits", ulimits.map(|(name, it)| (name, ulimit(*it))));
    out.text("user", &service.user);
    out.text("userns_mode", &service.userns_mode);
    out.text("uts", &service.uts);
    out.list("volumes", service.volumes.iter().map(mount));
    out.list("volumes_from", service.volumes_from.clone());
    out.text("working_dir", &service.working_dir);
    out.value()
}

fn build(build: &Build) -> Value {
    let mut out = Fields::default();
    out.set("context", build.context.to_string_lossy());
    let dockerfile = build.dockerfile.as_ref().map(|path| path.to_string_lossy());
    out.some("dockerfile", dockerfile);
    out.text("dockerfile_inline", &build.dockerfile_inline);
    out.pairs("args", &build.args);
    out.list("extra_hosts", hosts(&build.extra_hosts));
    out.texts("labels", &build.labels);
    out.text("network", &build.network);
    out.flag("no_cache", build.no_cache);
    out.flag("pull", build.pull);
    out.list(
        "secrets",
        build.secrets.iter().map(|(id, source)| {
            let mut out = Fields::default();
            out.set("source", source.as_str());
            out.some("target", (id != source).then_some(id.as_str()));
            out.value()
        }),
    );
    out.bytes("shm_size", build.shm_size);
    out.list("tags", build.tags.clone());
    out.text("target", &build.target);
    out.value()
}

fn hosts(hosts: &[(String, String)]) -> impl Iterator<Item = String> {
    hosts
        .iter()
        .map(|(name, address)| format!("{name}={address}"))
}

fn dependency(dependency: &Dependency) -> Value {
    let mut out = Fields::default();
    out.set(
        "condition",
        match dependency.condition {
            Condition::Started => "service_started",
            Condition::Healthy => "service_healthy",
            Condition::Completed => "service_completed_successfully",
        },
    );
    out.flag("restart", dependency.restart);
    out.set("required", dependency.required);
    out.value()
}

fn healthcheck(health: &Healthcheck) -> Value {
    let mut out = Fields::default();
    let duration = |value: Option<i64>| value.map(units::duration_text);
    out.list("test", health.test.clone());
    out.some("timeout", duration(health.timeout));
    out.some("interval", duration(health.interval));
    out.some("retries", health.retries);
    out.some("start_period", duration(health.start_period));
    out.some("start_interval", duration(health.start_interval));
    out.value()
}

fn logging(service: &Service) -> Fields {
    let mut out = Fields::default();
    out.text("driver", &service.log_driver);
    out.texts("options", &service.log_options);
    out
}

fn attachment(attachment: &Attachment) -> Value {
    let mut out = Fields::default();
    out.list("aliases", attachment.aliases.clone());
    out.texts("driver_opts", &attachment.driver_opts);
    out.number("gw_priority", attachment.gw_priority);
    out.text("interface_name", &attachment.interface_name);
    out.text("ipv4_address", &attachment.ipv4_address);
    out.text("ipv6_address", &attachment.ipv6_address);
    out.text("mac_address", &attachment.mac_address);
    out.number("priority", attachment.priority);
    out.or_null()
}

fn port(port: &Port) -> Value {
    let mut out = Fields::default();
    out.set("mode", "ingress");
    out.text("host_ip", &port.host_ip);
    out.set("target", port.target);
    out.text("published", &port.published);
    out.set("protocol", port.protocol.as_str());
    out.value()
}

fn ulimit((soft, hard): (i64, i64)) -> Value {
    if soft == hard {
        return soft.into();
    }
    let mut out = Fields::default();
    out.set("soft", soft);
    out.set("hard", hard);
    out.value()
}

fn grant(grant: &Grant) -> Value {
    let mut out = Fields::default();
    out.set("source", grant.source.as_str());
    out.set("target", grant.target.as_str());
    out.text("uid", &grant.uid);
    out.text("gid", &grant.gid);
    out.some("mode", grant.mode.map(|mode| format!("{mode:04o}")));
    out.value()
}

fn mount(mount: &Mount) -> Value {
    let mut out = Fields::default();
    out.set("type", mount.kind.as_str());
    out.text("source", &mount.source);
    out.set("target", mount.target.as_str());
    out.flag("read_only", mount.read_only);
    let mut part = Fields::default();
    match mount.kind.as_str() {
        "bind" => {
            part.text("propagation", &mount.propagation);
            part.set("create_host_path", mount.create_host_path);
            part.text("recursive", &mount.recursive);
        }
        "volume" => {
            part.texts("labels", &mount.labels);
            part.flag("nocopy", mount.nocopy);
            part.text("subpath", &mount.subpath);
        }
        "tmpfs" => {
            part.bytes("size", mount.size);
            part.some("mode", mount.mode.map(|mode| format!("{mode:04o}")));
        }
        _ => part.text("subpath", &mount.subpath),
    }
    out.part(&mount.kind, part);
    out.value()
}
