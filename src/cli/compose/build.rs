//! `compose build`.

use std::collections::BTreeMap;

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::parse::env::{self, Variable};
use crate::cli::parse::size;
use crate::cli::stop::Outcome;
use crate::compose::request::BuildOptions;
use crate::output::compose::Style;

/// `compose build`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [SERVICE...]",
    about: "Build or rebuild services",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox compose build
rbox compose build --no-cache --build-arg VERSION=2 web
",
    ..Spec::of::<Build>()
};

#[derive(clap::Parser)]
struct Build {
    /// Set build-time variables for services
    #[arg(long, value_name = "stringArray", value_parser = env::variable)]
    build_arg: Vec<Variable>,
    /// Set memory limit for the build container
    #[arg(short, long, value_name = "bytes", value_parser = size::bytes)]
    memory: Option<i64>,
    /// Do not use cache when building the image
    #[arg(long)]
    no_cache: bool,
    /// Always attempt to pull a newer version of the image
    #[arg(long)]
    pull: bool,
    /// Push service images
    #[arg(long)]
    push: bool,
    /// Suppress the build output
    #[arg(short, long)]
    quiet: bool,
    /// Also build dependencies (transitively)
    #[arg(long)]
    with_dependencies: bool,
    #[arg(hide = true)]
    services: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Build = call.parse()?;
    let mut session = Session::open(call, &line.services, Files::Needed)?;
    if line.quiet {
        session.settings.style = Style::Quiet;
    }
    // Without a value it is that of our own environment, as for `build`.
    let arguments: BTreeMap<String, String> = line
        .build_arg
        .into_iter()
        .filter_map(|given| {
            let value = given.value.or_else(|| std::env::var(&given.name).ok())?;
            Some((given.name, value))
        })
        .collect();
    let options = BuildOptions {
        services: line.services,
        no_cache: line.no_cache,
        pull: line.pull,
        arguments,
        with_dependencies: line.with_dependencies,
        memory: line.memory,
        push: line.push,
    };
    session.work("Building", |composer| composer.build(&options))?;
    Ok(0)
}
