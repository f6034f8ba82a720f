//! What a bundle directory holds.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use oci_spec::runtime::{Process, Spec};
use serde::de::DeserializeOwned;

use crate::engine::failure::{Context, Failure};

/// The configuration in a bundle, and its text.
pub fn spec(bundle: &Path) -> Result<(Spec, Vec<u8>), Failure> {
    let path = bundle.join("config.json");
    match read(&path)? {
        Some(text) => Ok((parse(&path, &text)?, text)),
        None if bundle.is_dir() => Err(Failure::new(format!(
            "JSON specification file config.json not found in {}",
            bundle.display()
        ))),
        None => Err(Failure::new(format!(
            "bundle {}: no such directory",
            bundle.display()
        ))),
    }
}

/// The process of `exec --process`.
pub fn process(path: &Path) -> Result<Process, Failure> {
    let text = read(path)?.ok_or_else(|| {
        Failure::new(format!(
            "open {}: no such file or directory",
            path.display()
        ))
    })?;
    parse(path, &text)
}

/// A file's content; `None` where there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context(|| format!("read {}", path.display())),
    }
}

fn parse<T: DeserializeOwned>(path: &Path, text: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(text).context(|| format!("parse {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{process, spec};
    use std::path::Path;

    #[test]
    fn what_is_wrong_with_a_bundle_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let refused = |path: &Path| spec(path).unwrap_err().message;
        assert_eq!(
            refused(Path::new("/nonexistent")),
            "bundle /nonexistent: no such directory"
        );
        let shown = dir.path().display();
        assert_eq!(
            refused(dir.path()),
            format!("JSON specification file config.json not found in {shown}")
        );
        std::fs::write(dir.path().join("config.json"), "{").unwrap();
        assert!(refused(dir.path()).starts_with(&format!("parse {shown}/config.json: EOF")),);
        let missing = dir.path().join("process.json");
        assert!(
            process(&missing)
                .unwrap_err()
                .message
                .ends_with("no such file or directory")
        );
    }
}
