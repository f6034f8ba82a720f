//! docs/runtime-spec.md: every field of the configuration has a line, and every
//! test that a line names exists.
//!
//! The fields are not listed here: a deserialiser that invents a value for
//! whatever it is asked for writes down what the types ask it for.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the lints spare test functions, not what they share"
)]

#[path = "spec_table/fields.rs"]
mod fields;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rbox_runtime::spec::mount_options::MountOptions;

/// What stands in the second column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Done,
    Refused,
    Ignored,
}

/// A line about a field or an option word.
struct Line {
    name: String,
    status: Status,
    tests: Vec<String>,
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The lines of the tables of one section, `None` where the sources are not.
fn lines(section: &str) -> Option<Vec<Line>> {
    let page = top().join("docs/runtime-spec.md");
    let Ok(text) = fs::read_to_string(page) else {
        eprintln!("SKIPPED spec_table: docs/runtime-spec.md is not here");
        return None;
    };
    let (_, after) = text.split_once(&format!("\n## {section}\n")).unwrap();
    let part = after.split("\n## ").next().unwrap();
    let rows = part.lines().filter(|line| line.starts_with("| `"));
    Some(rows.flat_map(line).collect())
}

/// One row may name several, with the same status and tests.
fn line(row: &str) -> Vec<Line> {
    let inner = row.strip_prefix('|').unwrap().strip_suffix('|').unwrap();
    let cells: Vec<_> = inner.split('|').map(str::trim).collect();
    let [names, status, _, tests] = cells[..] else {
        panic!("four columns: {row}")
    };
    let status = match status {
        "done" => Status::Done,
        "refused" => Status::Refused,
        "ignored" => Status::Ignored,
        other => panic!("{other:?} in {row}"),
    };
    let quoted = |cell: &str| -> Vec<String> {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    let tests = quoted(tests);
    quoted(names)
        .into_iter()
        .map(|name| Line {
            name,
            status,
            tests: tests.clone(),
        })
        .collect()
}

/// Whether the file that a test's name begins with has it.
fn exists(test: &str) -> bool {
    let (file, function) = test.rsplit_once("::").unwrap();
    let file = file.replace("::", "/");
    let candidates = [
        format!("runtime/tests/{file}.rs"),
        format!("runtime/src/{file}.rs"),
        format!("{file}.rs"),
    ];
    candidates.iter().any(|path| {
        let source = fs::read_to_string(top().join(path)).unwrap_or_default();
        source.contains(&format!("#[test]\nfn {function}("))
            || source.contains(&format!("#[test]\n    fn {function}("))
    })
}

#[test]
fn every_field_has_a_line() {
    let Some(lines) = lines("Fields") else {
        return;
    };
    let by_name: BTreeMap<_, _> = lines
        .iter()
        .map(|line| (line.name.as_str(), line))
        .collect();
    assert_eq!(by_name.len(), lines.len(), "a field has two lines");
    let fields = fields::of_a_configuration();
    assert!(fields.len() > 150, "{fields:?}");
    let covered = |field: &str| {
        // What is not done need not be told in detail.
        let mut above = field;
        loop {
            match by_name.get(above) {
                Some(line) if above == field || line.status != Status::Done => return true,
                _ => {}
            }
            match above.rfind(['.', '[', '{']) {
                Some(at) => above = &above[..at],
                None => return false,
            }
        }
    };
    let missing: Vec<_> = fields.iter().filter(|field| !covered(field)).collect();
    assert!(missing.is_empty(), "fields without a line: {missing:#?}");
    let unknown: Vec<_> = by_name
        .keys()
        .filter(|name| !fields.contains(**name))
        .collect();
    assert!(unknown.is_empty(), "lines without a field: {unknown:#?}");
}

#[test]
fn every_test_of_a_line_exists() {
    for section in ["Fields", "Mount options"] {
        let Some(lines) = lines(section) else {
            return;
        };
        for Line {
            name,
            status,
            tests,
        } in lines
        {
            assert!(
                status == Status::Ignored || !tests.is_empty(),
                "{name} is {status:?}, and no test shows it"
            );
            for test in tests {
                assert!(exists(&test), "{name}: there is no test {test}");
            }
        }
    }
}

#[test]
fn every_option_word_is_what_its_line_says() {
    let Some(lines) = lines("Mount options") else {
        return;
    };
    assert!(lines.len() > 60);
    for line in lines {
        let parsed = MountOptions::parse(&[&line.name]);
        match (line.status, parsed) {
            (Status::Done, Ok(options)) => assert_eq!(options.data, "", "{}", line.name),
            (Status::Refused, Err(_)) => {}
            (status, parsed) => panic!("{} is {status:?}, and {parsed:?}", line.name),
        }
    }
}
