//! `HostConfig`: what was asked of the host.

use std::collections::BTreeMap;

use rbox_netsetup::model::port::{HostPort, PortBinding};
use rbox_runtime::spec::defaults;
use serde_json::{Value, json};

use super::or_null;
use crate::engine::record::Record;
use crate::engine::request::{HostConfig, NetworkMode, RestartPolicy};
use crate::engine::{dirs, links};

/// The section of a container.
pub(super) fn host_config(roots: &dirs::Dirs, record: &Record) -> Value {
    let host = &record.host;
    let unmasked = host.privileged || host.unmask_paths;
    let mode = match &host.network_mode {
        NetworkMode::Bridge => "bridge".to_owned(),
        NetworkMode::Host => "host".to_owned(),
        NetworkMode::None => "none".to_owned(),
        NetworkMode::Container(id) => format!("container:{id}"),
        NetworkMode::Namespace(path) => format!("ns:{}", path.display()),
        NetworkMode::Network(name) => name.clone(),
    };
    let extra: Vec<String> = host
        .extra_hosts
        .iter()
        .map(|(name, ip)| format!("{name}:{ip}"))
        .collect();
    let links: Vec<String> = host
        .links
        .iter()
        .map(|link| {
            let (_, alias) = links::parts(link);
            format!(
                "/{}:/{}/{alias}",
                links::source_name(roots, link),
                record.name
            )
        })
        .collect();
    let mut value = json!({
        "Binds": or_null(&host.binds),
        "ContainerIDFile": host.cidfile,
        "LogConfig": {
            "Type": if host.log_driver.is_empty() { "json-file" } else { &host.log_driver },
            "Config": host.log_opts,
        },
        "NetworkMode": mode,
        "PortBindings": bindings(&host.port_bindings),
        "RestartPolicy": restart_policy(host.restart),
        "AutoRemove": host.auto_remove,
        "VolumeDriver": host.volume_driver,
        "VolumesFrom": or_null(&host.volumes_from),
        "ConsoleSize": [host.console_size.0, host.console_size.1],
        "CapAdd": or_null(&host.cap_add),
        "CapDrop": or_null(&host.cap_drop),
        "CgroupnsMode": if host.cgroupns_mode.is_empty() { "host" } else { &host.cgroupns_mode },
        "Dns": host.dns,
        "DnsOptions": host.dns_options,
        "DnsSearch": host.dns_search,
        "ExtraHosts": or_null(&extra),
        "GroupAdd": or_null(&host.group_add),
        "IpcMode": if host.ipc_mode.is_empty() { "private" } else { &host.ipc_mode },
        "Cgroup": "",
        "Links": or_null(&links),
        "OomScoreAdj": host.oom_score_adj,
        "PidMode": host.pid_mode,
        "Privileged": host.privileged,
        "PublishAllPorts": host.publish_all,
        "ReadonlyRootfs": host.readonly_rootfs,
        "SecurityOpt": or_null(&host.security_opt),
        "UTSMode": host.uts_mode,
        "UsernsMode": host.userns_mode,
        "ShmSize": if host.shm_size == 0 { 64 << 20 } else { host.shm_size },
    });
    if let (Value::Object(value), Value::Object(rest)) = (&mut value, resources(host)) {
        if host.sysctls.is_empty() {
            value.extend(rest);
        } else {
            value.insert("Sysctls".into(), json!(host.sysctls));
            value.extend(rest);
        }
        if !host.tmpfs.is_empty() {
            value.insert("Tmpfs".into(), json!(host.tmpfs));
        }
        if host.init {
            value.insert("Init".into(), json!(true));
        }
        let paths = |list: Vec<String>| if unmasked { Value::Null } else { json!(list) };
        value.insert(
            "MaskedPaths".into(),
            paths(defaults::masked_paths(host.privileged)),
        );
        value.insert(
            "ReadonlyPaths".into(),
            paths(defaults::readonly_paths(host.privileged)),
        );
    }
    value
}

/// Limits and devices: what Docker calls resources.
fn resources(host: &HostConfig) -> Value {
    let ulimits: Vec<Value> = host
        .ulimits
        .iter()
        .map(|limit| json!({"Name": limit.name, "Hard": limit.hard, "Soft": limit.soft}))
        .collect();
    let devices: Vec<Value> = host
        .devices
        .iter()
        .map(|device| {
            json!({
                "PathOnHost": device.host_path,
                "PathInContainer": device.container_path,
                "CgroupPermissions": device.permissions,
            })
        })
        .collect();
    json!({
        "Runtime": "rbox",
        "Isolation": "",
        "CpuShares": host.cpu_shares,
        "Memory": host.memory,
        "NanoCpus": host.nano_cpus,
        "CgroupParent": host.cgroup_parent,
        "BlkioWeight": 0,
        "BlkioWeightDevice": [],
        "BlkioDeviceReadBps": [],
        "BlkioDeviceWriteBps": [],
        "BlkioDeviceReadIOps": [],
        "BlkioDeviceWriteIOps": [],
        "CpuPeriod": host.cpu_period,
        "CpuQuota": host.cpu_quota,
        "CpuRealtimePeriod": 0,
        "CpuRealtimeRuntime": 0,
        "CpusetCpus": host.cpuset_cpus,
        "CpusetMems": host.cpuset_mems,
        "Devices": devices,
        "DeviceCgroupRules": null,
        "DeviceRequests": null,
        "MemoryReservation": host.memory_reservation,
        "MemorySwap": match (host.memory, host.memory_swap) {
            (memory, 0) if memory > 0 => memory.saturating_mul(2),
            (_, swap) => swap,
        },
        "MemorySwappiness": null,
        "OomKillDisable": false,
        "PidsLimit": if host.pids_limit == 0 { Value::Null } else { json!(host.pids_limit) },
        "Ulimits": ulimits,
        "CpuCount": 0,
        "CpuPercent": 0,
        "IOMaximumIOps": 0,
        "IOMaximumBandwidth": 0,
    })
}

/// Ports as they were asked for.
fn bindings(bindings: &[PortBinding]) -> Value {
    let mut ports: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for binding in bindings {
        let port = match binding.host_port {
            HostPort::Ephemeral => String::new(),
            HostPort::Fixed(port) => port.to_string(),
            HostPort::FirstOf(first, last) => format!("{first}-{last}"),
        };
        let ip = binding.host_ip.map(|ip| ip.to_string()).unwrap_or_default();
        ports
            .entry(String::from(binding.container))
            .or_default()
            .push(json!({"HostIp": ip, "HostPort": port}));
    }
    json!(ports)
}

fn restart_policy(policy: RestartPolicy) -> Value {
    let most = match policy {
        RestartPolicy::OnFailure { most } => most,
        _ => 0,
    };
    json!({"Name": policy.name(), "MaximumRetryCount": most})
}
