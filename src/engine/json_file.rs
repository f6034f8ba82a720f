//! Small JSON files: written to a temporary name and renamed, so that a reader
//! sees the old or the new one and never a part.

use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Replaces `path`. The parent directory must exist; no fsync (state is
/// checked against a lock, not trusted after a power cut).
pub fn write<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    replace(path, value, false)
}

/// As [`write`], and it is on the disk when this returns: for what is read after a power cut.
pub fn write_durably<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    replace(path, value, true)
}

fn replace<T: Serialize>(path: &Path, value: &T, durably: bool) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}", std::process::id()));
    let bytes = serde_json::to_vec(value)?;
    fs::write(&temporary, bytes)
        .and_then(|()| match durably {
            true => sync(Path::new(&temporary)),
            false => Ok(()),
        })
        .and_then(|()| fs::rename(&temporary, path))
        .inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })?;
    match path.parent().filter(|_| durably) {
        Some(directory) => sync(directory),
        None => Ok(()),
    }
}

/// Waits until a file, or what a directory names, is on the disk.
pub fn sync(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

/// `Ok(None)` where there is no such file.
pub fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
