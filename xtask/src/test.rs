//! `cargo xtask test`: everything that must hold before a change is accepted.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{features, images, packages, workspace};

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

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    fn one(passed: bool) -> Self {
        Self {
            passed: passed.into(),
            failed: (!passed).into(),
            skipped: 0,
        }
    }
}

/// Prepares the machine, runs the checks and tests, and sums them up in the closing line.
pub fn run(options: &Options) -> Result<ExitCode> {
    if options.part != Part::Unit {
        features::check_root("test")?;
        features::check_kernel()?;
        packages::ensure()?;
        features::check_network()?;
        packages::ensure_pip()?;
        images::ensure()?;
    }
    let skips = skips_file()?;
    let mut counts = Counts::default();
    if options.is_everything() {
        counts.add(check("format", &["fmt", "--all", "--check"])?);
        let lints = [
            "clippy",
            "--quiet",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ];
        counts.add(check("lints", &lints)?);
    }
    counts.add(tests(options, &skips)?);

    let skipped = std::fs::read_to_string(&skips).unwrap_or_default();
    if !skipped.is_empty() {
        println!("\nSkipped, because this machine lacks something:");
        skipped.lines().for_each(|line| println!("  {line}"));
    }
    counts.add_skips(&skipped);
    println!(
        "\n{} passed, {} failed, {} skipped",
        counts.passed, counts.failed, counts.skipped
    );
    Ok(if counts.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
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
fn tests(options: &Options, skips: &Path) -> Result<Counts> {
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
        .spawn()
        .context("running cargo test")?;
    let output = child.stdout.take().context("cargo test has no output")?;
    let mut counts = Counts::default();
    for line in BufReader::new(output).split(b'\n') {
        let line = line.context("reading the tests' output")?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        counts.add(result_line(&line).unwrap_or_default());
    }
    let status = child.wait().context("waiting for cargo test")?;
    if !status.success() && counts.failed == 0 {
        // Nothing was counted for what did not build or died without a word.
        println!(
            "== tests: cargo test ended with {status} although no test is known to have failed"
        );
        counts.failed += 1;
    }
    println!("== tests: {:.0} s", started.elapsed().as_secs_f64());
    Ok(counts)
}

fn cargo(arguments: &[&str]) -> Command {
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

/// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; …`.
fn result_line(line: &str) -> Option<Counts> {
    let (_, fields) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |what: &str| {
        fields
            .split(';')
            .find_map(|field| field.trim().strip_suffix(what)?.trim().parse().ok())
    };
    Some(Counts {
        passed: count("passed")?,
        failed: count("failed")?,
        skipped: count("ignored")?,
    })
}

impl Counts {
    /// Tests that skipped themselves were counted as passed, since the test harness knows no
    /// other word for them.
    fn add_skips(&mut self, lines: &str) {
        let tests: BTreeSet<&str> = lines
            .lines()
            .filter_map(|line| line.strip_prefix("SKIPPED "))
            .map(|line| line.split_once(": ").map_or(line, |(test, _)| test))
            .collect();
        self.skipped += tests.len();
        self.passed = self.passed.saturating_sub(tests.len());
    }
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

    #[test]
    fn result_lines_are_added_up_and_other_lines_are_not() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 7 filtered \
                    out; finished in 0.52s";
        assert_eq!(
            result_line(line),
            Some(Counts {
                passed: 12,
                failed: 3,
                skipped: 1
            })
        );
        assert_eq!(result_line("test result: none of that"), None);
        assert_eq!(result_line("test plan::tests::result: ok"), None);
    }

    #[test]
    fn a_test_that_skipped_itself_is_skipped_once_and_not_passed() {
        let mut counts = Counts {
            passed: 5,
            failed: 1,
            skipped: 1,
        };
        counts.add_skips("SKIPPED a::b: no IPv6\nSKIPPED a::b: no SCTP\nSKIPPED a::c: no root\n");
        assert_eq!(
            counts,
            Counts {
                passed: 3,
                failed: 1,
                skipped: 3
            }
        );
    }
}
