//! `inspect`: a container in Docker's JSON.

use std::collections::BTreeMap;

use rbox_netsetup::model::endpoint::{Endpoint, EndpointConfig};
use rbox_netsetup::model::port::{HostPort, PortBinding, PublishedPort};
use rbox_runtime::spec::defaults;
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::record::{Container, Record};
use super::request::{MountKind, NetworkMode};
use super::{Engine, containers, dirs, links};

impl Engine {
    /// One container, keys in Docker's order.
    pub fn inspect(&self, name: &str) -> Result<Value, Failure> {
        let container = containers::find(&self.dirs, name)?;
        let record = &container.record;
        let dir = self.dirs.container(&record.id);
        let file = |name: &str| dir.join(name).to_string_lossy().into_owned();
        let mut argv = record.argv().into_iter();
        let path = argv.next().unwrap_or_default();
        let layers = self.images.get(&record.image_id).map(|image| image.layers);
        let lower: Vec<String> = layers
            .unwrap_or_default()
            .iter()
            .rev()
            .map(|layer| layer.to_string_lossy().into_owned())
            .collect();
        Ok(json!({
            "Id": record.id,
            "Created": record.created,
            "Path": path,
            "Args": argv.collect::<Vec<_>>(),
            "State": state(&container),
            "Image": record.image_id,
            "ResolvConfPath": file("resolv.conf"),
            "HostnamePath": file("hostname"),
            "HostsPath": file("hosts"),
            "LogPath": dirs::log_path(&dir, &record.id).to_string_lossy(),
            "Name": format!("/{}", record.name),
            "RestartCount": 0,
            "Driver": "overlayfs",
            "Platform": "linux",
            "MountLabel": "",
            "ProcessLabel": "",
            "AppArmorProfile": "",
            "ExecIDs": null,
            "HostConfig": host_config(&self.dirs, record),
            "GraphDriver": {
                "Data": {
                    "LowerDir": lower.join(":"),
                    "MergedDir": "",
                    "UpperDir": file("upper"),
                    "WorkDir": file("work"),
                },
                "Name": "overlayfs",
            },
            "Mounts": mounts(record),
            "Config": config(record),
            "NetworkSettings": network_settings(&container),
        }))
    }
}

fn state(container: &Container) -> Value {
    let last = &container.last;
    let (pid, started, finished) = match &container.run {
        Some(run) => (run.pid, run.started_at.as_str(), run.finished_at.as_str()),
        None => (0, last.started_at.as_str(), last.finished_at.as_str()),
    };
    let running = container.run.is_some();
    json!({
        "Status": container.status(),
        "Running": running,
        "Paused": false,
        "Restarting": false,
        "OOMKilled": !running && last.oom_killed,
        "Dead": false,
        "Pid": pid,
        "ExitCode": if running { 0 } else { last.exit_code },
        "Error": if running { "" } else { &last.error },
        "StartedAt": started,
        "FinishedAt": finished,
    })
}

/// Empty lists are `null` where Docker has them so.
fn or_null<T: serde::Serialize>(list: &[T]) -> Value {
    if list.is_empty() {
        Value::Null
    } else {
        json!(list)
    }
}

fn host_config(roots: &dirs::Dirs, record: &Record) -> Value {
    let host = &record.host;
    let unmasked = host.privileged || host.unmask_paths;
    let mode = match &host.network_mode {
        NetworkMode::Bridge => "bridge".to_owned(),
        NetworkMode::Host => "host".to_owned(),
        NetworkMode::None => "none".to_owned(),
        NetworkMode::Container(id) => format!("container:{id}"),
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
            let (source, alias) = links::parts(link);
            format!(
                "/{}:/{}/{alias}",
                links::source_name(roots, source),
                record.name
            )
        })
        .collect();
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
    let mut value = json!({
        "Binds": or_null(&host.binds),
        "ContainerIDFile": host.cidfile,
        "LogConfig": {
            "Type": if host.log_driver.is_empty() { "json-file" } else { &host.log_driver },
            "Config": host.log_opts,
        },
        "NetworkMode": mode,
        "PortBindings": bindings(&host.port_bindings),
        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
        "AutoRemove": host.auto_remove,
        "VolumeDriver": "",
        "VolumesFrom": null,
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
    let rest = json!({
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
    });
    if let (Value::Object(value), Value::Object(rest)) = (&mut value, rest) {
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

fn mounts(record: &Record) -> Value {
    record
        .host
        .mounts
        .iter()
        .map(|mount| match mount.kind {
            MountKind::Bind => json!({
                "Type": "bind",
                "Source": mount.source,
                "Destination": mount.target,
                "Mode": mount.mode,
                "RW": !mount.read_only,
                "Propagation":
                    if mount.propagation.is_empty() { "rprivate" } else { &mount.propagation },
            }),
            MountKind::Tmpfs => json!({
                "Type": "tmpfs",
                "Source": "",
                "Destination": mount.target,
                "Mode": "",
                "RW": !mount.read_only,
                "Propagation": "",
            }),
        })
        .collect()
}

fn config(record: &Record) -> Value {
    let config = &record.config;
    let mut value = Map::new();
    let mut put = |key: &str, entry: Value| value.insert(key.to_owned(), entry);
    put("Hostname", json!(config.hostname));
    put("Domainname", json!(config.domainname));
    put("User", json!(config.user));
    put("AttachStdin", json!(config.attach.0));
    put("AttachStdout", json!(config.attach.1));
    put("AttachStderr", json!(config.attach.2));
    if !config.exposed_ports.is_empty() {
        let ports: BTreeMap<String, Value> = config
            .exposed_ports
            .iter()
            .map(|port| (String::from(*port), json!({})))
            .collect();
        put("ExposedPorts", json!(ports));
    }
    put("Tty", json!(config.tty));
    put("OpenStdin", json!(config.open_stdin));
    put("StdinOnce", json!(config.stdin_once));
    put("Env", json!(config.env));
    put("Cmd", json!(config.cmd));
    put("Image", json!(config.image));
    let volumes: Map<String, Value> = config
        .volumes
        .iter()
        .map(|path| (path.clone(), json!({})))
        .collect();
    put(
        "Volumes",
        if volumes.is_empty() {
            Value::Null
        } else {
            Value::Object(volumes)
        },
    );
    put("WorkingDir", json!(config.working_dir));
    put("Entrypoint", json!(config.entrypoint));
    put("OnBuild", Value::Null);
    put("Labels", json!(config.labels));
    if let Some(signal) = &config.stop_signal {
        put("StopSignal", json!(signal));
    }
    if let Some(timeout) = config.stop_timeout {
        put("StopTimeout", json!(timeout));
    }
    Value::Object(value)
}

fn network_settings(container: &Container) -> Value {
    let record = &container.record;
    let sandbox = container
        .run
        .as_ref()
        .map(|run| run.sandbox.clone())
        .unwrap_or_default();
    let shared = matches!(record.host.network_mode, NetworkMode::Container(_));
    let default_bridge = sandbox
        .endpoints
        .iter()
        .find(|endpoint| endpoint.network == "bridge");
    let networks: Map<String, Value> = record
        .networks
        .iter()
        .filter(|_| !shared)
        .map(|asked| {
            let endpoint = sandbox
                .endpoints
                .iter()
                .find(|endpoint| endpoint.network == asked.network);
            (asked.network.clone(), endpoint_settings(asked, endpoint))
        })
        .collect();
    let ports = match &container.run {
        Some(run) => bound(record, &run.sandbox.ports),
        None => json!({}),
    };
    let empty = Addresses::default();
    let top = default_bridge.map(Addresses::of).unwrap_or(empty);
    json!({
        "Bridge": "",
        "SandboxID": sandbox.id,
        "SandboxKey": sandbox.key,
        "Ports": ports,
        "HairpinMode": false,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "SecondaryIPAddresses": null,
        "SecondaryIPv6Addresses": null,
        "EndpointID": top.endpoint,
        "Gateway": top.gateway,
        "GlobalIPv6Address": top.ip6,
        "GlobalIPv6PrefixLen": top.prefix6,
        "IPAddress": top.ip,
        "IPPrefixLen": top.prefix,
        "IPv6Gateway": top.gateway6,
        "MacAddress": top.mac,
        "Networks": networks,
    })
}

/// An endpoint's addresses as inspect shows them: empty where there is none.
#[derive(Default)]
struct Addresses {
    endpoint: String,
    mac: String,
    ip: String,
    prefix: u8,
    gateway: String,
    ip6: String,
    prefix6: u8,
    gateway6: String,
}

impl Addresses {
    fn of(endpoint: &Endpoint) -> Addresses {
        fn text<T: ToString>(value: Option<T>) -> String {
            value.map(|value| value.to_string()).unwrap_or_default()
        }
        Addresses {
            endpoint: endpoint.id.clone(),
            mac: text(endpoint.mac),
            ip: text(endpoint.ip.map(|(ip, _)| ip)),
            prefix: endpoint.ip.map_or(0, |(_, prefix)| prefix),
            gateway: text(endpoint.gateway),
            ip6: text(endpoint.ip6.map(|(ip, _)| ip)),
            prefix6: endpoint.ip6.map_or(0, |(_, prefix)| prefix),
            gateway6: text(endpoint.gateway6),
        }
    }
}

fn endpoint_settings(asked: &EndpointConfig, endpoint: Option<&Endpoint>) -> Value {
    let mut ipam = Map::new();
    if let Some(ip) = asked.ip {
        ipam.insert("IPv4Address".into(), json!(ip));
    }
    if let Some(ip) = asked.ip6 {
        ipam.insert("IPv6Address".into(), json!(ip));
    }
    let links: Vec<String> = asked
        .links
        .iter()
        .map(|(target, alias)| format!("{target}:{alias}"))
        .collect();
    let now = endpoint.map(Addresses::of).unwrap_or_default();
    let names = match endpoint {
        Some(endpoint) if asked.network != "bridge" => or_null(&endpoint.dns_names),
        _ => Value::Null,
    };
    json!({
        "IPAMConfig": if ipam.is_empty() { Value::Null } else { Value::Object(ipam) },
        "Links": or_null(&links),
        "Aliases": or_null(&asked.aliases),
        "MacAddress": now.mac,
        "DriverOpts": if asked.driver_opts.is_empty() {
            Value::Null
        } else {
            json!(asked.driver_opts)
        },
        "GwPriority": asked.gw_priority,
        "NetworkID": endpoint.map(|endpoint| endpoint.network_id.as_str()).unwrap_or_default(),
        "EndpointID": now.endpoint,
        "Gateway": now.gateway,
        "IPAddress": now.ip,
        "IPPrefixLen": now.prefix,
        "IPv6Gateway": now.gateway6,
        "GlobalIPv6Address": now.ip6,
        "GlobalIPv6PrefixLen": now.prefix6,
        "DNSNames": names,
    })
}

/// Ports of a running container: bound ones with their host side, exposed ones `null`.
fn bound(record: &Record, published: &[PublishedPort]) -> Value {
    if !matches!(
        record.host.network_mode,
        NetworkMode::Bridge | NetworkMode::Network(_)
    ) {
        return json!({});
    }
    let mut ports: BTreeMap<String, Value> = record
        .config
        .exposed_ports
        .iter()
        .map(|port| (String::from(*port), Value::Null))
        .collect();
    for port in published {
        let entry = ports
            .entry(String::from(port.container))
            .or_insert(Value::Null);
        let binding =
            json!({"HostIp": port.host_ip.to_string(), "HostPort": port.host_port.to_string()});
        match entry {
            Value::Array(list) => list.push(binding),
            other => *other = json!([binding]),
        }
    }
    json!(ports)
}
