//! The disk with the test programs: every file at the path that it has here, since the programs
//! know some of them by absolute paths.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::base::{file_system, remove};
use super::programs::{Run, Runs};
use super::succeed;
use crate::workspace;

/// Bytes of the disk; a sparse file. Tests unpack images there.
const SIZE: &str = "2G";

/// How much longer tests wait for something than natively.
const PATIENCE: u32 = 10;

/// The stories' images (tests/harness/images.rs): file, name, change.
const STORE: &[(&str, &str, &str)] = &[
    ("alpine-3.23.tar.gz", "alpine", "CMD [\"/bin/sh\"]"),
    ("flask-3.1.tar.gz", "flask:3.1", "CMD [\"python3\"]"),
];

/// Makes the disk `name` below `dir`.
pub fn make(dir: &Path, name: &str, runs: &Runs) -> Result<PathBuf> {
    let (tree, disk) = (dir.join("tree"), dir.join(format!("{name}.img")));
    remove(&tree)?;
    for run in &runs.runs {
        place(&tree, &run.program)?;
        directory(&tree, &run.directory)?;
    }
    place(&tree, &runs.rbox)?;
    for (image, ..) in STORE {
        place(&tree, &workspace::target().join("images").join(image))?;
    }
    import(&tree, &runs.rbox)?;
    // Cargo makes it before it runs integration tests.
    if let Some(build) = runs.rbox.parent().and_then(Path::parent) {
        directory(&tree, &build.join("tmp"))?;
    }
    let plan = tree.join(".vm");
    directory(&tree, Path::new("/.vm"))?;
    let write = |name: &str, text: String| {
        std::fs::write(plan.join(name), text).with_context(|| format!("writing {name}"))
    };
    write("programs", runs.runs.iter().map(line).collect())?;
    write("directories", directories().collect())?;
    write("environment", environment())?;
    file_system(&tree, &disk, SIZE)?;
    remove(&tree)?;
    Ok(disk)
}

/// The images of the stories, in a store: importing them takes the machine a minute.
fn import(tree: &Path, rbox: &Path) -> Result<()> {
    for (file, name, change) in STORE {
        let mut command = Command::new(rbox);
        command
            .arg("--root")
            .arg(tree.join(".vm/store"))
            .args(["import", "-c", change])
            .arg(workspace::target().join("images").join(file))
            .arg(name)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        succeed(&mut command, &format!("importing {file}"))?;
    }
    Ok(())
}

/// What the machine's script reads: name, directory, program, arguments.
fn line(run: &Run) -> String {
    let skips = run.without.iter().flat_map(|name| ["--skip", name]);
    let arguments: Vec<&str> = run.tests.iter().map(String::as_str).chain(skips).collect();
    format!(
        "{} {} {} {}\n",
        run.name,
        run.directory.display(),
        run.program.display(),
        arguments.join(" ")
    )
}

/// What is bound from the disk to its place.
fn directories() -> impl Iterator<Item = String> {
    let root = workspace::root().to_owned();
    let build = workspace::build_dir();
    let apart = (!build.starts_with(&root)).then_some(build);
    [root]
        .into_iter()
        .chain(apart)
        .map(|directory| format!("{}\n", directory.display()))
}

fn environment() -> String {
    // Two tests at a time on one processor: one of them waits for something often enough.
    format!(
        "export RBOX_TEST_PATIENCE={PATIENCE} RBOX_TEST_STORE=/mnt/.vm/store RUST_TEST_THREADS=2\n"
    )
}

/// The file, at its own path below `tree`.
fn place(tree: &Path, file: &Path) -> Result<()> {
    let there = below(tree, file);
    if let Some(parent) = file.parent() {
        directory(tree, parent)?;
    }
    if there.exists() {
        return Ok(());
    }
    // A link is free; across file systems it takes a copy.
    if std::fs::hard_link(file, &there).is_err() {
        std::fs::copy(file, &there).with_context(|| format!("copying {}", file.display()))?;
    }
    Ok(())
}

fn directory(tree: &Path, directory: &Path) -> Result<()> {
    let there = below(tree, directory);
    std::fs::create_dir_all(&there).with_context(|| format!("creating {}", there.display()))
}

fn below(tree: &Path, path: &Path) -> PathBuf {
    tree.join(path.strip_prefix("/").unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_the_program_and_its_tests() {
        let run = Run {
            name: "kernel".to_owned(),
            program: "/w/target/kernel-1".into(),
            directory: "/w/runtime".into(),
            tests: vec!["limits::".to_owned(), "devices::".to_owned()],
            without: vec!["slow".to_owned()],
        };
        assert_eq!(
            line(&run),
            "kernel /w/runtime /w/target/kernel-1 limits:: devices:: --skip slow\n"
        );
    }

    #[test]
    fn a_file_keeps_its_path() {
        let path = below(Path::new("/t"), Path::new("/w/target/rbox"));
        assert_eq!(path, Path::new("/t/w/target/rbox"));
    }
}
