//! docs/security.md and the attacks say the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::skip;

/// The sources below a directory.
fn sources(directory: &Path, all: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            all.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The names of the functions that follow `#[test]`.
fn tests(source: &str) -> impl Iterator<Item = &str> {
    let after = source.split("#[test]\n").skip(1);
    after.filter_map(|text| text.split_once("fn ")?.1.split('(').next())
}

#[test]
fn every_attack_is_documented_and_every_documented_test_exists() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = top.join("docs/security.md");
    if !page.exists() {
        return skip("documented::every_attack", "the sources are not here");
    }
    let text = fs::read_to_string(page).unwrap();
    // Names of tests are the long words between backticks.
    let named: BTreeSet<_> = text
        .split('`')
        .flat_map(|part| part.rsplit([':', ' ']).next())
        .filter(|word| word.len() > 20 && word.contains('_'))
        .filter(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        .collect();
    let mut all = Vec::new();
    for directory in ["runtime/tests", "runtime/src", "tests"] {
        sources(&top.join(directory), &mut all);
    }
    let exist: BTreeSet<_> = all.iter().flat_map(|(_, source)| tests(source)).collect();
    let missing: Vec<_> = named.difference(&exist).collect();
    assert!(missing.is_empty(), "tests that are not there: {missing:?}");
    let attacks: BTreeSet<_> = all
        .iter()
        .filter(|(file, _)| file.starts_with("attacks"))
        .flat_map(|(_, source)| tests(source))
        .collect();
    assert!(attacks.len() > 50, "{attacks:?}");
    let untold: Vec<_> = attacks.difference(&named).collect();
    assert!(untold.is_empty(), "attacks without a line: {untold:?}");
}
