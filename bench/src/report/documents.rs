//! The files: `benchmarks.md` and, in `benchmarks/`, the record and the plots.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::{Results, markdown, performance, plot, record};
use crate::finding::Finding;

const RECORD: &str = "benchmarks/results.json";

const PERFORMANCE: &str = "performance.md";

/// What was measured before; `None` where nothing was.
pub fn read(directory: &Path) -> Result<Option<Results>> {
    let path = directory.join(RECORD);
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read(&path).with_context(|| path.display().to_string())?;
    let results = serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
    Ok(Some(results))
}

/// Writes the record and all that is made of it. Plots of what is no more measured go.
pub fn write(directory: &Path, results: &Results) -> Result<()> {
    let plots = directory.join("benchmarks");
    fs::create_dir_all(&plots)?;
    for entry in fs::read_dir(&plots)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "svg") {
            fs::remove_file(path)?;
        }
    }
    let record = record::text(results)?;
    fs::write(directory.join(RECORD), &record)?;
    // The documents say what the record says, which rounds.
    let results = &serde_json::from_str(&record)?;
    fs::write(directory.join("benchmarks.md"), markdown::document(results))?;
    let path = directory.join(PERFORMANCE);
    let there = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    fs::write(path, performance::renewed(&there, results)?)?;
    for finding in results.groups.iter().flat_map(|group| &group.findings) {
        let (id, picture) = match finding {
            Finding::Table(table) => (&table.id, plot::table(table)),
            Finding::Curve(curve) => (&curve.id, plot::curve(curve)),
            Finding::Trace(_) | Finding::Skip(_) => continue,
        };
        fs::write(plots.join(format!("{id}.svg")), picture)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_made_of_the_record() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let Some(results) = read(&docs).unwrap() else {
            return;
        };
        let document = fs::read_to_string(docs.join("benchmarks.md")).unwrap();
        assert!(
            document == markdown::document(&results),
            "docs/benchmarks.md is out of date: cargo xtask bench --render"
        );
        let document = fs::read_to_string(docs.join(PERFORMANCE)).unwrap();
        assert!(
            document == performance::renewed(&document, &results).unwrap(),
            "docs/performance.md is out of date: cargo xtask bench --render"
        );
    }
}
