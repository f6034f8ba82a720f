//! The OCI runtime against crun and runc on the same bundle.

use std::path::Path;

use anyhow::{Context, Result};

use crate::measure::{self, Case, quiet};

/// The contenders: the word that names the program, and what it is called.
fn runtimes(rbox: &str) -> Vec<(String, &'static str)> {
    let mut all = vec![(format!("rbox-runtime={rbox}"), "rbox-runtime")];
    for peer in ["crun", "runc"] {
        if quiet(peer, &["--version"]).is_ok() {
            all.push((peer.to_owned(), peer));
        } else {
            println!("SKIPPED {peer}: not installed");
        }
    }
    all
}

/// `run` of `true`, and `create`, `start` and `delete` of it.
pub fn run(rbox: &str, rootfs: &str, rounds: usize) -> Result<()> {
    let bundle = tempfile::tempdir().context("make a bundle")?;
    configure(rbox, bundle.path(), rootfs)?;
    let directory = bundle.path().display().to_string();
    let runtimes = runtimes(rbox);
    let words = |program: &str, rest: &[&str]| -> Vec<String> {
        let state = bundle.path().join("state").display().to_string();
        let name = program
            .rsplit('/')
            .next()
            .unwrap_or(program)
            .replace('=', "-");
        let mut words = vec![
            program.to_owned(),
            "--root".into(),
            format!("{state}-{name}"),
        ];
        words.extend(rest.iter().map(|&word| word.to_owned()));
        words
    };
    let mut cases: Vec<Case> = runtimes
        .iter()
        .map(|(program, name)| {
            let command = words(program, &["run", "--bundle", &directory, "bench"]);
            Case::new(&format!("{name} run"), command)
        })
        .collect();
    measure::take_turns(&mut cases, rounds)?;
    measure::print("start to exit of true", &cases, 0);

    let mut cases: Vec<Case> = runtimes
        .iter()
        .map(|(program, name)| {
            let steps = vec![
                words(program, &["create", "--bundle", &directory, "bench"]),
                words(program, &["start", "bench"]),
                words(program, &["delete", "--force", "bench"]),
            ];
            Case::several(&format!("{name} create start delete"), steps)
        })
        .collect();
    measure::take_turns(&mut cases, rounds)?;
    measure::print("three commands", &cases, 0);
    Ok(())
}

/// The default configuration, without a terminal, that runs `true`.
fn configure(rbox: &str, bundle: &Path, rootfs: &str) -> Result<()> {
    quiet(
        rbox,
        &["oci", "spec", "--bundle", &bundle.display().to_string()],
    )?;
    let file = bundle.join("config.json");
    let mut spec: serde_json::Value = serde_json::from_slice(&std::fs::read(&file)?)?;
    // The newest that Debian's crun takes.
    spec["ociVersion"] = "1.0.2".into();
    spec["process"]["terminal"] = false.into();
    spec["process"]["args"] = serde_json::json!(["/bin/true"]);
    spec["process"]["rlimits"] = serde_json::json!([]);
    spec["root"]["path"] = rootfs.into();
    std::fs::write(&file, serde_json::to_vec(&spec)?)?;
    Ok(())
}
