//! `compose version`.

use serde_json::json;

use super::layout::{Layout, layout};
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::Outcome;
use crate::compose::labels;

/// `compose version`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS]",
    about: "Show the version information",
    arity: Arity::Exactly(0),
    interspersed: true,
    run,
    examples: "\
rbox compose version
rbox compose version --short
",
    ..Spec::of::<Version>()
};

#[derive(clap::Parser)]
struct Version {
    /// Format the output. Values: [pretty | json]. (default "pretty")
    #[arg(short, long, value_name = "string", value_parser = layout)]
    format: Option<Layout>,
    /// Shows only the version number
    #[arg(long)]
    short: bool,
}

fn run(call: &Call) -> Outcome {
    let line: Version = call.parse()?;
    let own = env!("CARGO_PKG_VERSION");
    say(&if line.short {
        format!("{own}\n")
    } else if line.format == Some(Layout::Json) {
        format!("{}\n", json!({ "version": own }))
    } else {
        format!(
            "rbox compose version {own} (like Docker Compose {})\n",
            labels::LIKE
        )
    });
    Ok(0)
}
