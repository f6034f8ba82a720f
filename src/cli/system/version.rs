//! `version`.

use serde_json::{Value, json};

use super::formatted;
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::Outcome;
use crate::engine::info::{Machine, machine};

/// `version`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS]",
    about: "Show the rbox version information",
    arity: Arity::Exactly(0),
    interspersed: true,
    run,
    examples: "\
rbox version
rbox version -f '{{.Client.Version}}'
",
    ..Spec::of::<Version>()
};

#[derive(clap::Parser)]
struct Version {
    /// Format output using a custom template: 'json' or a Go template
    #[arg(
        short,
        long,
        value_name = "string",
        default_value = "",
        hide_default_value = true
    )]
    format: String,
}

/// `rbox version 0.1.0`.
pub fn version_line() -> String {
    format!("rbox version {}", env!("CARGO_PKG_VERSION"))
}

fn run(call: &Call) -> Outcome {
    let line: Version = call.parse()?;
    match line.format.as_str() {
        "" => say(&text(&machine())),
        "json" => say(&format!("{}\n", data(&machine()))),
        template => say(&formatted(template, &data(&machine()))?),
    }
    Ok(0)
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Go's names of processors.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Docker's layout. One program is both of what Docker calls client and server.
fn text(machine: &Machine) -> String {
    let arch = architecture();
    format!(
        "Client: rbox\n Version:           {VERSION}\n OS/Arch:           linux/{arch}\n\n\
         Server: rbox\n Engine:\n  Version:          {VERSION}\n  OS/Arch:          \
         linux/{arch}\n  Kernel:           {}\n",
        machine.kernel
    )
}

/// Docker's keys; there is no API that had a version.
fn data(machine: &Machine) -> Value {
    let arch = architecture();
    json!({
        "Client": {
            "Platform": { "Name": "rbox" },
            "Version": VERSION,
            "Os": "linux",
            "Arch": arch,
        },
        "Server": {
            "Platform": { "Name": "rbox" },
            "Components": [{
                "Name": "Engine",
                "Version": VERSION,
                "Details": { "Os": "linux", "Arch": arch, "KernelVersion": machine.kernel },
            }],
            "Version": VERSION,
            "Os": "linux",
            "Arch": arch,
            "KernelVersion": machine.kernel,
        },
    })
}
