//! `compose pull`.

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::parse::Invalid;
use crate::cli::stop::Outcome;
use crate::compose::request::{Pull, PullOptions};
use crate::output::compose::Style;

/// `compose pull`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [SERVICE...]",
    about: "Pull service images",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox compose pull
rbox compose pull --ignore-buildable
",
    ..Spec::of::<Fetch>()
};

#[derive(clap::Parser)]
struct Fetch {
    /// Ignore images that can be built
    #[arg(long)]
    ignore_buildable: bool,
    /// Pull what it can and ignores images with pull failures
    #[arg(long)]
    ignore_pull_failures: bool,
    /// Also pull services declared as dependencies
    #[arg(long)]
    include_deps: bool,
    /// Apply pull policy ("missing"|"always")
    #[arg(long, value_name = "string", value_parser = policy)]
    policy: Option<Pull>,
    /// Pull without printing progress information
    #[arg(short, long)]
    quiet: bool,
    #[arg(hide = true)]
    services: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Fetch = call.parse()?;
    let mut session = Session::open(call, &line.services, Files::Needed)?;
    if line.quiet {
        session.settings.style = Style::Quiet;
    }
    let options = PullOptions {
        services: line.services,
        with_dependencies: line.include_deps,
        ignore_buildable: line.ignore_buildable,
        ignore_failures: line.ignore_pull_failures,
        policy: line.policy.unwrap_or_default(),
    };
    session.work("Pulling", |composer| composer.pull(&options))?;
    Ok(0)
}

fn policy(text: &str) -> Result<Pull, Invalid> {
    match text {
        "missing" => Ok(Pull::Missing),
        "always" => Ok(Pull::Always),
        _ => Err(Invalid(format!(
            "invalid --policy option {text:?}: it is missing or always"
        ))),
    }
}
