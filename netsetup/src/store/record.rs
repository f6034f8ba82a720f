//! Files that are always whole: written beside their place and renamed into it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A record could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{verb} {}: {source}", path.display())]
pub struct RecordError {
    /// `read`, `write`, `remove` or `lock`.
    pub verb: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl RecordError {
    /// For `map_err`.
    pub(crate) fn of<'a>(verb: &'static str, path: &'a Path) -> impl Fn(io::Error) -> Self + 'a {
        move |source| RecordError {
            verb,
            path: path.to_owned(),
            source,
        }
    }
}

/// How much a record is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lasting {
    /// Lives in /run: gone with the power anyway.
    UntilReboot,
    /// Must be whole after a power failure.
    Forever,
}

/// Replaces the file's content in one step. The caller holds the lock of the directory, so the
/// temporary file has one writer; the directory must exist.
pub fn write_text(path: &Path, text: &str, lasting: Lasting) -> Result<(), RecordError> {
    let temporary = temporary(path);
    let write = || -> io::Result<()> {
        let mut file = fs::File::create(&temporary)?;
        file.write_all(text.as_bytes())?;
        if lasting == Lasting::Forever {
            file.sync_all()?;
        }
        fs::rename(&temporary, path)
    };
    write().map_err(|source| {
        let _ = fs::remove_file(&temporary);
        RecordError {
            verb: "write",
            path: path.to_owned(),
            source,
        }
    })
}

fn temporary(path: &Path) -> PathBuf {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    PathBuf::from(temporary)
}

/// As [`write_text`], with the value as indented JSON.
pub fn write_json<T: Serialize>(
    path: &Path,
    value: &T,
    lasting: Lasting,
) -> Result<(), RecordError> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| RecordError::of("write", path)(error.into()))?;
    text.push('\n');
    write_text(path, &text, lasting)
}

/// The file's content; `None` when there is no file.
pub fn read_text(path: &Path) -> Result<Option<String>, RecordError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(RecordError::of("read", path)(error)),
    }
}

/// The value of a JSON file; `None` when there is no file.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, RecordError> {
    let Some(text) = read_text(path)? else {
        return Ok(None);
    };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| RecordError::of("read", path)(error.into()))
}

/// All JSON files of a directory that end in `.json`; none when there is no directory.
pub fn read_directory<T: DeserializeOwned>(directory: &Path) -> Result<Vec<T>, RecordError> {
    let failed = RecordError::of("read", directory);
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut values = Vec::new();
    for entry in entries {
        let path = entry.map_err(&failed)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            // None: removed since it was listed.
            values.extend(read_json(&path)?);
        }
    }
    Ok(values)
}

/// Removes a file, and what somebody who died in [`write_text`] left beside it; harmless when
/// there is none. The caller holds the lock of the directory.
pub fn remove(path: &Path) -> Result<(), RecordError> {
    let _ = fs::remove_file(temporary(path));
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(RecordError::of("remove", path)(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_replaced_whole_and_other_files_are_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.json");
        assert_eq!(read_json::<u32>(&path).unwrap(), None);
        write_json(&path, &1, Lasting::UntilReboot).unwrap();
        write_json(&path, &2, Lasting::Forever).unwrap();
        fs::write(directory.path().join("hosts"), "x").unwrap();
        assert_eq!(read_directory::<u32>(directory.path()).unwrap(), [2]);
        assert_eq!(
            fs::read_dir(directory.path()).unwrap().count(),
            2,
            "nothing temporary is left"
        );
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(
            read_directory::<u32>(&directory.path().join("none"))
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_broken_record_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.json");
        fs::write(&path, "{").unwrap();
        let text = read_json::<u32>(&path).unwrap_err().to_string();
        assert!(
            text.starts_with(&format!("read {}: ", path.display())),
            "{text}"
        );
    }
}
