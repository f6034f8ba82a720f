//! Configs and secrets as files in the container.
//!
//! A file of the host is bound, and so follows it; one that shall have an owner or permissions of
//! its own is copied, as are texts and variables, which are no files.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::super::model::{FileObject, Grant};
use super::{At, Project};
use crate::engine::Failure;
use crate::engine::request::{ContainerRequest, FileRequest, MountKind, MountRequest};

/// Largest file that is copied, bytes: Docker's for a secret.
const LARGEST: u64 = 500 * 1024;

/// Sets them.
pub fn set(project: &Project, at: &At<'_>, request: &mut ContainerRequest) -> Result<(), Failure> {
    let service = at.service;
    let granted = [
        ("configs", &service.configs, &project.configs),
        ("secrets", &service.secrets, &project.secrets),
    ];
    for (key, grants, objects) in granted {
        for grant in grants {
            let refuse = |why: String| at.refuse(key, format!("{}: {why}", grant.source));
            let object = objects
                .get(&grant.source)
                .ok_or_else(|| refuse("it is not defined".to_owned()))?;
            let taken = request
                .host
                .mounts
                .iter()
                .map(|mount| &mount.target)
                .chain(request.files.iter().map(|file| &file.target))
                .any(|target| *target == grant.target);
            if taken {
                return Err(refuse(format!("Duplicate mount point: {}", grant.target)));
            }
            let content = match object {
                FileObject::File(path) if plain(grant) => {
                    request.host.mounts.push(bind(path, grant));
                    continue;
                }
                FileObject::File(path) => {
                    read(path).map_err(|why| refuse(format!("read {}: {why}", path.display())))?
                }
                FileObject::Environment { value, .. } => value.clone().into_bytes(),
                FileObject::Content(text) => text.clone().into_bytes(),
            };
            let file = file(grant, content).map_err(refuse)?;
            request.files.push(file);
        }
    }
    Ok(())
}

/// Whether the file may be as it is on the host.
pub fn plain(grant: &Grant) -> bool {
    grant.uid.is_none() && grant.gid.is_none() && grant.mode.is_none()
}

fn bind(path: &Path, grant: &Grant) -> MountRequest {
    MountRequest {
        kind: MountKind::Bind,
        source: path.display().to_string(),
        target: grant.target.clone(),
        read_only: true,
        ..MountRequest::default()
    }
}

fn file(grant: &Grant, content: Vec<u8>) -> Result<FileRequest, String> {
    let id = |key: &str, text: &Option<String>| match text {
        None => Ok(0),
        Some(text) => text
            .parse()
            .map_err(|_| format!("{key} is a number, not {text:?}")),
    };
    Ok(FileRequest {
        target: grant.target.clone(),
        content,
        uid: id("uid", &grant.uid)?,
        gid: id("gid", &grant.gid)?,
        mode: grant.mode.unwrap_or(0o444),
    })
}

/// All of a file that is not too large.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut content))
        .map_err(|error| error.to_string())?;
    if content.len() as u64 > LARGEST {
        return Err(format!("it is larger than {LARGEST} bytes"));
    }
    Ok(content)
}
