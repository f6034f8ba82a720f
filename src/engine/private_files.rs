//! Files that come with the request of a container instead of from a path of the host: Compose's
//! configs and secrets.
//!
//! They are kept in the container's own directory, so that they are there at each start and go
//! with it, and are bound from there: neither its writable layer nor an image made of it has them.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::Path;

use super::failure::{Context, Failure};
use super::record::Record;
use super::request::{FileRequest, MountKind, MountRequest};

/// In the container's directory.
const FILES: &str = "files";

/// Writes the files of a container that is being made and has its record bind them. Its user
/// namespace is settled.
pub(super) fn write(dir: &Path, files: &[FileRequest], record: &mut Record) -> Result<(), Failure> {
    if files.is_empty() {
        return Ok(());
    }
    let parent = dir.join(FILES);
    fs::create_dir_all(&parent).context(|| format!("make {}", parent.display()))?;
    for (index, file) in files.iter().enumerate() {
        let path = parent.join(index.to_string());
        write_one(&path, file, record)?;
        record.host.mounts.push(MountRequest {
            kind: MountKind::Bind,
            source: path.display().to_string(),
            target: file.target.clone(),
            read_only: true,
            ..MountRequest::default()
        });
    }
    Ok(())
}

fn write_one(path: &Path, file: &FileRequest, record: &Record) -> Result<(), Failure> {
    let (uid, gid) = match &record.user_namespace {
        None => (file.uid, file.gid),
        Some(mapping) => mapping
            .uid(file.uid)
            .zip(mapping.gid(file.gid))
            .ok_or_else(|| {
                Failure::new(format!(
                    "{}: the container has no user {}:{}",
                    file.target, file.uid, file.gid
                ))
            })?,
    };
    let what = || format!("write {}", path.display());
    let mut open = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .context(what)?;
    open.write_all(&file.content).context(what)?;
    fchown(&open, Some(uid), Some(gid)).context(what)?;
    open.set_permissions(fs::Permissions::from_mode(file.mode & 0o7777))
        .context(what)
}
