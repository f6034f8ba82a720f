//! All set-up of the project in one program: `cargo xtask demo | test | bench | fuzz |
//! vm-test | dist | documents | images`.
//!
//! Nothing here ships. Each command checks what it needs first, says plainly what is missing,
//! and can be run again at any time.

mod bench;
mod demo;
mod dist;
mod documents;
mod features;
mod fuzz;
mod images;
mod packages;
mod results;
mod test;
mod visit;
mod vm;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
  demo [--keep]       Build rbox and watch two Flask apps in Alpine containers talk to each other;
                      --keep leaves them running
  test [--unit | --stories] [FILTER]
                      Check format and lints and run all tests, or only the tests that are named
  vm-test [--systemd] [FILTER]
                      Run the tests that depend on the kernel on a stock Debian kernel with pure
                      cgroup v2, in two virtual machines, one of them with systemd, or in that
                      alone (cargo xtask test does so too)
  bench [--quick] [--rounds N] [--record] [CASE…] | --list | --render
                      Measure rbox beside Docker, Podman and the kernel's own cost and write
                      docs/benchmarks.md; --quick prints the most telling ratios in less than two
                      minutes; cases that are named are printed, and with --record put into the
                      document; --list tells which there are, --render writes the document again
  fuzz [TARGET] [--seconds N]
                      Look for inputs that break the parsers, 10 seconds a target (cargo xtask
                      test does so for a shorter time)
  dist                Make what is given to others, in target/dist: the static binary with completions,
                      man pages and systemd unit as .tar.gz and .deb, and checksums
  documents           Write the documents anew that are made of the commands or by running them
                      (docs/cli.md, the tables of docs/coming-from-docker.md, docs/packet-path.md)
  images              Assemble the test images (Alpine, Flask, Debian) into target/images
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    run(&arguments).unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(arguments: &[String]) -> Result<ExitCode> {
    let Some((command, rest)) = arguments.split_first() else {
        print!("{USAGE}");
        return Ok(ExitCode::FAILURE);
    };
    match command.as_str() {
        "demo" => demo::run(&demo::Options::parse(rest)?)?,
        "test" => return test::run(&test::Options::parse(rest)?),
        "vm-test" => return vm::run(&vm::Options::parse(rest)?),
        "fuzz" => fuzz::run(&fuzz::Options::parse(rest)?)?,
        "bench" => return bench::run(&bench::Options::parse(rest)?),
        "dist" if rest.is_empty() => dist::make()?,
        "documents" if rest.is_empty() => documents::write()?,
        "images" if rest.is_empty() => {
            images::ensure()?;
            images::debian::ensure()?;
        }
        "help" | "--help" | "-h" => print!("{USAGE}"),
        _ => bail!("unknown arguments: {}\n\n{USAGE}", arguments.join(" ")),
    }
    Ok(ExitCode::SUCCESS)
}
