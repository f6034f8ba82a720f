//! `compose push`.

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::Outcome;
use crate::compose::request::PushOptions;
use crate::output::compose::Style;

/// `compose push`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [SERVICE...]",
    about: "Push service images",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox compose push
rbox compose push web
",
    ..Spec::of::<Send>()
};

#[derive(clap::Parser)]
struct Send {
    /// Push what it can and ignores images with push failures
    #[arg(long)]
    ignore_push_failures: bool,
    /// Also push images of services declared as dependencies
    #[arg(long)]
    include_deps: bool,
    /// Push without printing progress information
    #[arg(short, long)]
    quiet: bool,
    #[arg(hide = true)]
    services: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Send = call.parse()?;
    let mut session = Session::open(call, &line.services, Files::Needed)?;
    if line.quiet {
        session.settings.style = Style::Quiet;
    }
    let options = PushOptions {
        services: line.services,
        with_dependencies: line.include_deps,
        ignore_failures: line.ignore_push_failures,
    };
    session.work("Pushing", |composer| composer.push(&options))?;
    Ok(0)
}
