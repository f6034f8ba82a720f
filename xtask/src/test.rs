//! `cargo xtask test`: everything that must hold before a change is accepted.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::results::{Counts, Report};
use crate::{features, fuzz, images, packages, vm, workspace};

/// When tests that say nothing are taken for hung. Building them is silent, too.
const PATIENCE: Duration = Duration::from_secs(20 * 60);

/// What to run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    part: Part,
    /// Only tests whose names contain this.
    filter: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    All,
    /// Tests beside the code.
    Unit,
    /// The integration tests, which drive the built binary.
    Stories,
}

impl Options {
    /// Understands `[--unit | --stories] [FILTER]`.
    pub fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self::default();
        for argument in arguments {
            match argument.as_str() {
                "--unit" if options.part == Part::All => options.part = Part::Unit,
                "--stories" if options.part == Part::All => options.part = Part::Stories,
                name if !name.starts_with('-') && options.filter.is_none() => {
                    options.filter = Some(name.to_owned());
                }
                other => bail!("cargo xtask test [--unit | --stories] [FILTER]: not {other}"),
            }
        }
        Ok(options)
    }

    /// Whether this is the whole run, with the checks of format and lints.
    fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

/// Prepares the machine, runs the checks and tests, and sums them up in the closing line.
pub fn run(options: &Options) -> Result<ExitCode> {
    let mut report = Report::default();
    if options.part != Part::Unit {
        features::check_root("test")?;
        features::check_kernel()?;
        packages::ensure(packages::PACKAGES)?;
        features::check_network()?;
        packages::ensure_pip()?;
        images::ensure()?;
        for (package, reason) in packages::ensure_optional() {
            report.skipped(package, &reason);
        }
        // The story that wants it says that it was skipped.
        if let Err(error) = images::debian::ensure() {
            println!("images: no Debian: {error:#}");
        }
    }
    let skips = skips_file()?;
    if options.is_everything() {
        report.add(check("format", &["fmt", "--all", "--check"])?);
        let lints = [
            "clippy",
            "--quiet",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ];
        report.add(check("lints", &lints)?);
    }
    tests(options, &skips, &mut report)?;
    let skipped = std::fs::read_to_string(&skips).unwrap_or_default();
    report.skipped_themselves(
        skipped
            .lines()
            .filter_map(|line| line.strip_prefix("SKIPPED ")),
    );
    if options.is_everything() {
        fuzz::test(&mut report)?;
        vm::test(&mut report)?;
    }
    report.print();
    Ok(report.exit_code())
}

/// One check that passes or fails as a whole.
fn check(name: &str, arguments: &[&str]) -> Result<Counts> {
    println!("\n== {name}: cargo {}", arguments.join(" "));
    let started = Instant::now();
    let status = cargo(arguments).status().context("running cargo")?;
    let outcome = if status.success() { "ok" } else { "FAILED" };
    println!(
        "== {name}: {outcome}, {:.0} s",
        started.elapsed().as_secs_f64()
    );
    Ok(Counts::one(status.success()))
}

/// Runs the tests, passing their output on and adding up the result lines in it.
fn tests(options: &Options, skips: &Path, report: &mut Report) -> Result<()> {
    let mut arguments = vec!["test", "--no-fail-fast"];
    match options.part {
        Part::All => arguments.push("--workspace"),
        Part::Unit => arguments.extend(["--workspace", "--lib", "--bins"]),
        Part::Stories => arguments.extend(["--package", "rbox", "--test", "stories"]),
    }
    if let Some(filter) = &options.filter {
        arguments.extend(["--", filter]);
    }
    println!("\n== tests: cargo {}", arguments.join(" "));
    let started = Instant::now();
    let mut child = cargo(&arguments)
        .env("RBOX_SKIPS", skips)
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .context("running cargo test")?;
    let output = child.stdout.take().context("cargo test has no output")?;
    let failed_before = report.failed();
    let (sender, lines) = mpsc::channel();
    // Not joined: what was left behind by a killed test may keep the pipe open.
    std::thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n') {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                let line = line.context("reading the tests' output")?;
                let line = String::from_utf8_lossy(&line);
                println!("{line}");
                report.add(Counts::of_line(&line).unwrap_or_default());
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                println!("== tests: nothing was heard for {PATIENCE:?}: killed");
                report.add(Counts::one(false));
                let group = rustix::process::Pid::from_child(&child);
                rustix::process::kill_process_group(group, rustix::process::Signal::KILL)
                    .context("killing the tests")?;
                break;
            }
        }
    }
    let status = child.wait().context("waiting for cargo test")?;
    if !status.success() && report.failed() == failed_before {
        // Nothing was counted for what did not build or died without a word.
        println!(
            "== tests: cargo test ended with {status} although no test is known to have failed"
        );
        report.add(Counts::one(false));
    }
    println!("== tests: {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// Cargo, so that what it builds is shared by all that call it.
pub fn cargo(arguments: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(arguments)
        .current_dir(workspace::root())
        .env("PATH", packages::search_path())
        .stdin(Stdio::null());
    command
}

/// A new empty file in which tests note what they could not do.
fn skips_file() -> Result<PathBuf> {
    let path = workspace::target().join("test-skips.txt");
    std::fs::create_dir_all(workspace::target()).context("creating target")?;
    std::fs::write(&path, "").with_context(|| format!("creating {}", path.display()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options> {
        Options::parse(&arguments.iter().map(|&a| a.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn options_choose_a_part_and_a_filter() {
        assert!(parse(&[]).unwrap().is_everything());
        let some = parse(&["--stories", "ping"]).unwrap();
        assert_eq!(
            some,
            Options {
                part: Part::Stories,
                filter: Some("ping".to_owned())
            }
        );
        assert!(!parse(&["ping"]).unwrap().is_everything());
        assert!(parse(&["--unit", "--stories"]).is_err());
        assert!(parse(&["a", "b"]).is_err());
        assert!(parse(&["--fast"]).is_err());
    }
}
