//! A service's volumes.

use std::collections::BTreeSet;

use super::super::model::Mount;
use super::{At, Project, Which};
use crate::cli::parse::volume::{is_propagation, target_path};
use crate::engine::Failure;
use crate::engine::request::{HostConfig, MountKind, MountRequest, VolumeOptions};

/// Sets them.
pub fn set(
    project: &Project,
    at: &At<'_>,
    which: &Which<'_>,
    host: &mut HostConfig,
) -> Result<(), Failure> {
    let mut targets = BTreeSet::new();
    for mount in &at.service.volumes {
        let request = request(project, mount).map_err(|why| at.refuse("volumes", why))?;
        if !targets.insert(request.target.trim_end_matches('/').to_owned()) {
            let why = format!("Duplicate mount point: {}", request.target);
            return Err(at.refuse("volumes", why));
        }
        host.mounts.push(request);
    }
    for text in &at.service.volumes_from {
        host.volumes_from.push(
            from(project, which, text)
                .ok_or_else(|| at.refuse("volumes_from", format!("no such service: {text}")))?,
        );
    }
    Ok(())
}

/// `SERVICE[:ro]` or `container:NAME[:ro]` as `--volumes-from` takes it.
fn from(project: &Project, which: &Which<'_>, text: &str) -> Option<String> {
    if let Some(container) = text.strip_prefix("container:") {
        return Some(container.to_owned());
    }
    let (service, mode) = match text.split_once(':') {
        Some((service, mode)) => (service, format!(":{mode}")),
        None => (text, String::new()),
    };
    let container = which.first_of(project, service)?;
    Some(format!("{container}{mode}"))
}

fn request(project: &Project, mount: &Mount) -> Result<MountRequest, String> {
    target_path(&mount.target).map_err(|error| error.to_string())?;
    let mut request = MountRequest {
        target: mount.target.clone(),
        read_only: mount.read_only,
        subpath: mount.subpath.clone().unwrap_or_default(),
        ..MountRequest::default()
    };
    let source = || mount.source.clone().filter(|source| !source.is_empty());
    match mount.kind.as_str() {
        "bind" => {
            request.kind = MountKind::Bind;
            request.source = source().ok_or("a bind needs a source")?;
            request.create_source = mount.create_host_path;
            request.propagation = mount.propagation.clone().unwrap_or_default();
            if !request.propagation.is_empty() && !is_propagation(&request.propagation) {
                return Err(format!("invalid propagation mode: {}", request.propagation));
            }
            match mount.recursive.as_deref() {
                None | Some("enabled") => {}
                Some("disabled") => request.non_recursive = true,
                Some("writable") => request.submounts_writable = true,
                // Where it cannot be had, the runtime refuses the mount.
                Some("readonly") if mount.read_only => {}
                Some(other) => return Err(format!("invalid value for bind.recursive: {other}")),
            }
        }
        "volume" => {
            request.kind = MountKind::Volume;
            let mut options = VolumeOptions {
                no_copy: mount.nocopy,
                labels: mount.labels.clone(),
                ..VolumeOptions::default()
            };
            match source() {
                None => options.anonymous = true,
                Some(key) => {
                    let volume = project
                        .volumes
                        .get(&key)
                        .ok_or_else(|| format!("undefined volume {key}"))?;
                    request.source.clone_from(&volume.name);
                }
            }
            request.volume = Some(options);
        }
        "tmpfs" => {
            request.kind = MountKind::Tmpfs;
            request.tmpfs_size = mount.size.unwrap_or_default();
            request.tmpfs_mode = mount.mode;
        }
        "image" => {
            request.kind = MountKind::Image;
            request.source = source().ok_or("an image mount needs a source")?;
            request.read_only = true;
        }
        other => return Err(format!("invalid mount type: {other}")),
    }
    Ok(request)
}
