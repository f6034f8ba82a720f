//! rbox, its peers and the kernel's own cost side by side. Nothing here passes or fails.
//!
//! ```text
//! arguments ─▶ place (namespaces) ─▶ Field (engines, images) ─▶ cases/* ─▶ Finding ─▶ report
//! ```
//!
//! `cargo xtask bench` prepares all that it needs and starts it.

mod arguments;
mod cases;
mod engine;
mod field;
mod finding;
mod fleet;
mod lineup;
mod measure;
mod network;
mod place;
mod report;
mod session;
mod statistics;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use arguments::Arguments;

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("rbox-bench: {error:#}");
        ExitCode::FAILURE
    })
}

fn run() -> Result<ExitCode> {
    let mut words = std::env::args();
    let called = words.next().unwrap_or_default();
    let arguments = Arguments::parse(words)?;
    if arguments.list {
        for case in cases::ALL {
            let quick = if case.quick { "quick" } else { "" };
            println!("{:<14} {:<6} {}", case.name, quick, case.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(directory) = &arguments.render {
        let results = report::read(directory)?.context("nothing was measured yet")?;
        report::write(directory, &results)?;
        return Ok(ExitCode::SUCCESS);
    }
    for name in &arguments.cases {
        if !cases::ALL.iter().any(|case| case.name == name) {
            bail!("no case {name} (--list tells which there are)");
        }
    }
    place::lead_to(&called, &arguments.scratch, || session::run(&arguments))
}
