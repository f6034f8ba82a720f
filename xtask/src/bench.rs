//! `cargo xtask bench`: rbox, Docker, Podman, what they are made of, and the kernel's own cost side
//! by side (docs/benchmarks.md). Here is what must be there first; `bench/` measures.
//!
//! ```text
//! Debian ──▶ peers ──┐
//! cargo  ──▶ rbox, rbox-bench, floor (release) ──▶ rbox-bench ──▶ docs/benchmarks.md, docs/benchmarks/
//! images ────────────┘                             in target/bench/scratch
//! ```

use std::fs::File;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};

use crate::{features, images, packages, test, workspace};

const USAGE: &str =
    "cargo xtask bench [--quick] [--rounds N] [--record] [CASE…] | --list | --render";

/// What to measure, and what to do with it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What rbox-bench is told.
    measure: Vec<String>,
    /// Whether the documents are written.
    record: bool,
    /// Nothing is measured: only the list of cases, or the documents again.
    only: Option<Only>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Only {
    List,
    Render,
}

impl Options {
    /// Understands what `USAGE` says. A whole run is recorded, one of some cases with `--record`.
    pub fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let (mut quick, mut some) = (false, false);
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--list" => options.only = Some(Only::List),
                "--render" => options.only = Some(Only::Render),
                "--record" => options.record = true,
                "--quick" => quick = true,
                "--rounds" => {
                    let number = words.next().context(USAGE)?;
                    options.measure.extend([word.clone(), number.clone()]);
                }
                name if !name.starts_with('-') => {
                    some = true;
                    options.measure.push(name.to_owned());
                }
                other => bail!("{USAGE}: not {other}"),
            }
        }
        ensure!(
            !(quick && options.record),
            "what --quick finds is too rough to be recorded"
        );
        if quick {
            options.measure.push("--quick".to_owned());
        }
        options.record |= !quick && !some;
        Ok(options)
    }
}

/// Prepares the machine, builds, measures.
pub fn run(options: &Options) -> Result<ExitCode> {
    let docs = workspace::root().join("docs");
    if let Some(only) = options.only {
        build(&["build", "--package", "rbox-bench"])?;
        let mut command = Command::new(built("debug", "rbox-bench"));
        match only {
            Only::List => command.arg("--list"),
            Only::Render => command.arg("--render").arg(docs),
        };
        return finish(command);
    }
    features::check_root("bench")?;
    features::check_kernel()?;
    for (package, reason) in packages::ensure_peers() {
        println!("packages: SKIPPED {package}: {reason}");
    }
    features::check_network()?;
    let images = images::ensure()?;
    let names = ["--package", "rbox", "--package", "rbox-bench", "--bins"];
    build(&[&["build", "--release"], &names[..]].concat())?;

    let place = workspace::target().join("bench");
    std::fs::create_dir_all(&place).context("creating target/bench")?;
    let lock = File::create(place.join("lock")).context("creating the bench's lock")?;
    ensure!(
        lock.try_lock().is_ok(),
        "another bench runs here: two would only measure each other"
    );
    let mut command = Command::new(built("release", "rbox-bench"));
    command
        .arg("--rbox")
        .arg(built("release", "rbox"))
        .arg("--images")
        .arg(images.alpine.parent().unwrap_or(Path::new(".")))
        .arg("--scratch")
        .arg(place.join("scratch"))
        .args(&options.measure);
    if options.record {
        command.arg("--report").arg(docs);
    }
    finish(command)
}

fn build(arguments: &[&str]) -> Result<()> {
    println!("building: cargo {}", arguments.join(" "));
    let status = test::cargo(arguments).status().context("running cargo")?;
    ensure!(status.success(), "it did not build");
    Ok(())
}

/// Cargo puts programs below the target's name because .cargo/config.toml names one.
fn built(profile: &str, name: &str) -> std::path::PathBuf {
    let build = workspace::build_dir().join("x86_64-unknown-linux-gnu");
    build.join(profile).join(name)
}

fn finish(mut command: Command) -> Result<ExitCode> {
    let status = command.status().context("running rbox-bench")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words)
    }

    #[test]
    fn a_whole_run_is_recorded_and_a_part_only_where_it_is_told_to() {
        assert!(parse("").unwrap().record);
        assert!(parse("--rounds 50").unwrap().record);
        assert!(!parse("--quick").unwrap().record);
        assert!(!parse("start").unwrap().record);
        assert!(parse("start --record").unwrap().record);
        assert!(parse("--quick --record").is_err());
    }

    #[test]
    fn what_is_measured_is_handed_on() {
        let options = parse("start size --rounds 3").unwrap();
        assert_eq!(options.measure, ["start", "size", "--rounds", "3"]);
        assert!(parse("--fast").is_err());
    }
}
