//! `version`.

use serde_json::json;

use super::inspect::template;
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::Outcome;

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
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let version = env!("CARGO_PKG_VERSION");
    // One program is both of what Docker calls client and server.
    let side = json!({ "Version": version, "Os": std::env::consts::OS, "Arch": arch });
    let data = json!({ "Client": side, "Server": side });
    match line.format.as_str() {
        "" => say(&format!(
            "rbox:\n Version:    {version}\n OS/Arch:    {}/{arch}\n",
            std::env::consts::OS
        )),
        "json" => say(&format!("{data}\n")),
        text => {
            let template = template(text)?;
            let options = crate::output::template::Options {
                strict: true,
                ..Default::default()
            };
            let text = template.execute(&data, options).map_err(|error| {
                crate::cli::stop::Stop::failed(format!("template parsing error: {error}"))
            })?;
            say(&format!("{text}\n"));
        }
    }
    Ok(0)
}
