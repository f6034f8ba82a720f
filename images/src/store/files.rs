//! Small files: read with a limit, replaced whole.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ReadError;

/// More than any honest index, manifest or config has.
pub(crate) const LARGEST_JSON: u64 = 8 << 20;

/// The whole file, if it is of sane size.
pub(crate) fn read_small(path: &Path) -> Result<Vec<u8>, ReadError> {
    let failed = |source| ReadError::Io {
        path: path.to_owned(),
        source,
    };
    let too_large = || ReadError::TooLarge {
        path: path.to_owned(),
        limit: LARGEST_JSON,
    };
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    if length > LARGEST_JSON {
        return Err(too_large());
    }
    // One more than it has, so that its end is seen without growing.
    let mut bytes = Vec::with_capacity(length as usize + 1);
    file.take(LARGEST_JSON + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > LARGEST_JSON {
        return Err(too_large());
    }
    Ok(bytes)
}

/// The file as JSON.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, ReadError> {
    let bytes = read_small(path)?;
    serde_json::from_slice(&bytes).map_err(|source| ReadError::Damaged {
        path: path.to_owned(),
        source,
    })
}

/// Replaces `path` by rename; the caller holds the lock that keeps other writers away.
pub(crate) fn replace_json<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    let mut file = File::create(&new)?;
    file.write_all(&text)?;
    drop(file);
    std::fs::rename(&new, path)
}
