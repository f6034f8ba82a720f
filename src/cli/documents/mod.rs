//! Documents that are made of the commands themselves, and what is checked of each command.
//! No part of the program.
//!
//! ```text
//! catalog.rs, clap structures, refused.rs ─┬─▶ docs/cli.md
//! docker.txt: all of Docker's flags ───────┴─▶ the table in docs/coming-from-docker.md
//! ```
//!
//! `cargo xtask documents` writes them anew.

mod coming;
mod docker;
mod examples;
mod reference;

use std::path::PathBuf;

/// Set by `cargo xtask documents`: write what is to be, instead of comparing.
const WRITE: &str = "RBOX_WRITE_DOCUMENTS";

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name)
}

fn check(name: &str, text: &str) {
    let path = path(name);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    let different = there.lines().zip(text.lines()).find(|(a, b)| a != b);
    assert!(
        there == text,
        "docs/{name} is out of date: `cargo xtask documents` writes it anew\n{different:?}"
    );
}
