//! What a bundle directory holds.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use oci_spec::runtime::{Process, Spec};
use rbox_runtime::spec::{ParseError, Parsed, parse, parse_process};

use crate::engine::failure::{Context, Failure};

/// The configuration in a bundle.
pub fn spec(bundle: &Path) -> Result<Parsed<Spec>, Failure> {
    let path = bundle.join("config.json");
    match read(&path)? {
        Some(text) => parse(&text).map_err(|error| wrong(&path, &error)),
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
pub fn process(path: &Path) -> Result<Parsed<Process>, Failure> {
    let text = read(path)?.ok_or_else(|| {
        Failure::new(format!(
            "open {}: no such file or directory",
            path.display()
        ))
    })?;
    parse_process(&text).map_err(|error| wrong(path, &error))
}

fn wrong(path: &Path, error: &ParseError) -> Failure {
    Failure::new(format!("parse {}: {error}", path.display()))
}

/// A file's content; `None` where there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context(|| format!("read {}", path.display())),
    }
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
        assert!(
            refused(dir.path()).starts_with(&format!("parse {shown}/config.json: not JSON: EOF")),
        );
        let missing = dir.path().join("process.json");
        assert!(
            process(&missing)
                .unwrap_err()
                .message
                .ends_with("no such file or directory")
        );
    }
}
