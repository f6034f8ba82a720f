//! `compose stats`.

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::container::stats::{Look, show};
use crate::cli::stop::Outcome;

/// `compose stats`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [SERVICE]",
    about: "Display a live stream of container(s) resource usage statistics",
    arity: Arity::AtMost(1),
    interspersed: true,
    run,
    examples: "\
rbox compose stats
rbox compose stats --no-stream web
",
    ..Spec::of::<Stats>()
};

#[derive(clap::Parser)]
struct Stats {
    /// Show all containers (default shows just running)
    #[arg(short, long)]
    all: bool,
    /// Format output: 'table', 'table TEMPLATE', 'json' or a Go template
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// Disable streaming stats and only pull the first result
    #[arg(long)]
    no_stream: bool,
    /// Do not truncate output
    #[arg(long)]
    no_trunc: bool,
    #[arg(hide = true)]
    service: Option<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Stats = call.parse()?;
    let services: Vec<String> = line.service.into_iter().collect();
    let session = Session::open(call, &services, Files::NameWillDo)?;
    let mut containers = session.of(&services)?;
    containers.retain(|one| line.all || one.container.run.is_some());
    let look = Look {
        containers: containers.iter().map(|one| one.name().to_owned()).collect(),
        all: line.all,
        format: line.format,
        once: line.no_stream,
        whole: line.no_trunc,
    };
    if look.containers.is_empty() {
        say(&look.table(&[])?);
        return Ok(0);
    }
    show(&session.engine, &look)
}
