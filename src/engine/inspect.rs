//! `inspect`: a container in Docker's JSON, one file a large section.

mod config;
mod host_config;
mod network_settings;

use serde_json::{Value, json};

use super::failure::Failure;
use super::record::{Container, Record};
use super::request::MountKind;
use super::{Engine, containers, dirs, volume};

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
            "RestartCount": container.restart_count(),
            "Driver": "overlayfs",
            "Platform": "linux",
            "MountLabel": "",
            "ProcessLabel": "",
            "AppArmorProfile": "",
            "ExecIDs": null,
            "HostConfig": host_config::host_config(&self.dirs, record),
            "GraphDriver": {
                "Data": {
                    "LowerDir": lower.join(":"),
                    "MergedDir": "",
                    "UpperDir": file("upper"),
                    "WorkDir": file("work"),
                },
                "Name": "overlayfs",
            },
            "Mounts": mounts(&self.dirs, record),
            "Config": config::config(record),
            "NetworkSettings": network_settings::network_settings(&self.networks, &container),
        }))
    }

    /// The same with `SizeRw` and `SizeRootFs`.
    pub fn inspect_with_size(&self, name: &str) -> Result<Value, Failure> {
        let mut value = self.inspect(name)?;
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let size = self.container_size(&text("Id"), &text("Image"));
        value["SizeRw"] = json!(size.written);
        value["SizeRootFs"] = json!(size.all);
        Ok(value)
    }
}

fn state(container: &Container) -> Value {
    let last = &container.last;
    let (pid, started, finished) = match &container.run {
        Some(run) => (run.pid, run.started_at.as_str(), run.finished_at.as_str()),
        None => (0, last.started_at.as_str(), last.finished_at.as_str()),
    };
    let running = container.run.is_some();
    let process = container.running().is_ok();
    let mut value = json!({
        "Status": container.status(),
        "Running": running,
        "Paused": container.run.as_ref().is_some_and(|run| run.paused),
        "Restarting": running && !process,
        "OOMKilled": !process && last.oom_killed,
        "Dead": false,
        "Pid": pid,
        "ExitCode": if process { 0 } else { last.exit_code },
        "Error": if process { "" } else { &last.error },
        "StartedAt": started,
        "FinishedAt": finished,
    });
    if let Some(health) = container.health() {
        value["Health"] = health.value();
    }
    value
}

/// Empty lists are `null` where Docker has them so.
fn or_null<T: serde::Serialize>(list: &[T]) -> Value {
    if list.is_empty() {
        Value::Null
    } else {
        json!(list)
    }
}

fn mounts(dirs: &dirs::Dirs, record: &Record) -> Value {
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
            MountKind::Image => json!({
                "Type": "image",
                "Name": mount.source,
                "Source": record.mounted_images.get(&mount.target),
                "Destination": mount.target,
                "Mode": "",
                "RW": false,
                "Propagation": "",
            }),
            MountKind::Volume => json!({
                "Type": "volume",
                "Name": mount.source,
                "Source": volume::source::place(dirs, mount),
                "Destination": mount.target,
                "Driver": volume::DRIVER,
                "Mode": mount.mode,
                "RW": !mount.read_only,
                "Propagation": "",
            }),
        })
        .collect()
}
