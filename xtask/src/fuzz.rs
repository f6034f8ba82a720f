//! `cargo xtask fuzz`: libFuzzer on stable Rust.
//!
//! cargo-fuzz wants a nightly compiler for AddressSanitizer. Coverage alone needs none: LLVM's pass
//! `sancov-module` and its options are ordinary arguments of the compiler. The targets are safe
//! code that panics when something does not hold, so coverage is what matters.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::results::{Counts, Report};
use crate::{packages, test, workspace};

/// How long each target runs when nothing is said, seconds.
const SECONDS: u32 = 10;

/// How long in `cargo xtask test`, seconds.
const SECONDS_IN_TEST: u32 = 3;

/// What lets libFuzzer see which code ran and what was compared with what.
const FLAGS: &str = "-Dwarnings -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Ccodegen-units=1";

/// What to run, and how long.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    target: Option<String>,
    seconds: u32,
}

impl Options {
    /// Understands `[TARGET] [--seconds N]`.
    pub fn parse(arguments: &[String]) -> Result<Self> {
        let usage = "cargo xtask fuzz [TARGET] [--seconds N]";
        let mut options = Self {
            target: None,
            seconds: SECONDS,
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--seconds" => {
                    let number = arguments.next().and_then(|number| number.parse().ok());
                    match number {
                        Some(seconds @ 1..) => options.seconds = seconds,
                        _ => bail!("{usage}: --seconds needs a number above 0"),
                    }
                }
                name if !name.starts_with('-') && options.target.is_none() => {
                    options.target = Some(name.to_owned());
                }
                other => bail!("{usage}: not {other}"),
            }
        }
        Ok(options)
    }
}

/// Runs one target or all; fails when one found something.
pub fn run(options: &Options) -> Result<()> {
    let known = targets()?;
    let chosen: Vec<String> = match &options.target {
        None => known,
        Some(name) if known.contains(name) => vec![name.clone()],
        Some(name) => bail!("no fuzz target {name}: there are {}", known.join(", ")),
    };
    if let Some((_, reason)) = packages::ensure_optional_one("g++") {
        bail!("libFuzzer is built from C++: {reason}");
    }
    let fuzzer = build()?;
    let mut failed = Vec::new();
    for name in chosen {
        if !fuzz(&fuzzer, &name, options.seconds)? {
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!(
            "{}: what did it is in {}; mend it and keep it in fuzz/corpus/<target>/",
            failed.join(", "),
            directory().join("found").display()
        );
    }
    Ok(())
}

/// The bounded run of `cargo xtask test`: every target counts as one test.
pub fn test(report: &mut Report) -> Result<()> {
    if packages::find("g++").is_none() {
        // The missing package was noted as a skip.
        return Ok(());
    }
    println!("\n== fuzz targets, {SECONDS_IN_TEST} s each");
    let started = Instant::now();
    let fuzzer = build()?;
    for name in targets()? {
        report.add(Counts::one(fuzz(&fuzzer, &name, SECONDS_IN_TEST)?));
    }
    println!("== fuzz targets: {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// The names of all targets: those of the directories with their seeds.
fn targets() -> Result<Vec<String>> {
    let path = corpus();
    let entries = std::fs::read_dir(&path).with_context(|| format!("read {}", path.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// Seeds and what was found once, part of the repository.
fn corpus() -> PathBuf {
    workspace::root().join("fuzz/corpus")
}

/// What fuzzing makes: its build, the corpora that grow, what it found.
fn directory() -> PathBuf {
    workspace::target().join("fuzz")
}

/// Builds the fuzzer with coverage: only the crates it needs, in a directory of its own.
fn build() -> Result<PathBuf> {
    let arguments = [
        "build",
        "--package=rbox-fuzz",
        "--features=libfuzzer",
        "--message-format=json-render-diagnostics",
    ];
    let output = test::cargo(&arguments)
        .env("RUSTFLAGS", FLAGS)
        .env("CARGO_TARGET_DIR", directory().join("build"))
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
        .stderr(Stdio::inherit())
        .output()
        .context("running cargo")?;
    if !output.status.success() {
        bail!("the fuzzer did not build (cargo's message is above)");
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    messages
        .lines()
        .find_map(executable)
        .context("cargo named no fuzzer")
}

fn executable(line: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    let fuzzer = message["target"]["name"] == "fuzzer";
    fuzzer.then(|| message["executable"].as_str().map(PathBuf::from))?
}

/// Runs a target on its seeds, then on what libFuzzer makes of them; whether all held.
fn fuzz(fuzzer: &Path, name: &str, seconds: u32) -> Result<bool> {
    let (grown, found) = (
        directory().join("corpus").join(name),
        directory().join("found").join(name),
    );
    for path in [&grown, &found] {
        std::fs::create_dir_all(path).with_context(|| format!("create {}", path.display()))?;
    }
    let mut prefix = std::ffi::OsString::from("-artifact_prefix=");
    prefix.push(found.join(OsStr::new("")));
    let output = Command::new(fuzzer)
        .env("FUZZ_TARGET", name)
        .arg(format!("-max_total_time={seconds}"))
        .args(["-timeout=5", "-rss_limit_mb=512", "-verbosity=0"])
        .arg("-print_final_stats=1")
        .arg(prefix)
        .args([grown, corpus().join(name)])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .with_context(|| format!("run {}", fuzzer.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        let inputs = stat(&said, "number_of_executed_units").unwrap_or("no");
        println!("fuzz {name}: ok, {inputs} inputs");
    } else {
        println!("{said}\nfuzz {name}: FAILED");
    }
    Ok(output.status.success())
}

/// One of libFuzzer's closing figures: `stat::number_of_executed_units: 61662`.
fn stat<'a>(said: &'a str, name: &str) -> Option<&'a str> {
    said.lines().find_map(|line| {
        let (found, value) = line.strip_prefix("stat::")?.split_once(':')?;
        (found == name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options> {
        Options::parse(&arguments.iter().map(|&a| a.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn options_name_a_target_and_a_time() {
        let all = parse(&[]).unwrap();
        assert_eq!((all.target, all.seconds), (None, SECONDS));
        let one = parse(&["zone", "--seconds", "60"]).unwrap();
        assert_eq!((one.target.as_deref(), one.seconds), (Some("zone"), 60));
        assert!(parse(&["--seconds"]).is_err());
        assert!(parse(&["--seconds", "0"]).is_err());
        assert!(parse(&["a", "b"]).is_err());
        assert!(parse(&["--fast"]).is_err());
    }

    #[test]
    fn closing_figures_are_read() {
        let said = "INFO: x\nstat::average_exec_per_sec:     7\nstat::peak_rss_mb:  28\n";
        assert_eq!(stat(said, "peak_rss_mb"), Some("28"));
        assert_eq!(stat(said, "slowest"), None);
    }

    #[test]
    fn targets_are_those_with_seeds() {
        assert!(targets().unwrap().contains(&"dns_query".to_owned()));
    }

    #[test]
    fn the_fuzzer_is_found_among_cargos_messages() {
        let line = r#"{"target":{"name":"fuzzer"},"executable":"/t/fuzzer"}"#;
        assert_eq!(executable(line), Some(PathBuf::from("/t/fuzzer")));
        let other = r#"{"target":{"name":"rbox_netsetup"},"executable":null}"#;
        assert_eq!(executable(other), None);
    }
}
