//! `compose logs`.

use super::follow::{Followed, follow};
use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::parse::time;
use crate::cli::stop::{Outcome, Stop};
use crate::engine::clock;
use crate::engine::logs::LogOptions;
use crate::output::compose::colour::Ansi;

/// `compose logs`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [SERVICE...]",
    about: "View output from containers",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox compose logs -f
rbox compose logs --tail 20 --since 10m web db
",
    ..Spec::of::<Logs>()
};

#[derive(clap::Parser)]
struct Logs {
    /// Follow log output
    #[arg(short, long)]
    follow: bool,
    /// Index of the container if service has multiple replicas
    #[arg(
        long,
        value_name = "int",
        default_value = "0",
        hide_default_value = true
    )]
    index: u32,
    /// Produce monochrome output
    #[arg(long)]
    no_color: bool,
    /// Don't print prefix in logs
    #[arg(long)]
    no_log_prefix: bool,
    /// Show logs since timestamp (e.g. 2013-01-02T13:23:37Z) or relative (e.g. 42m for 42 minutes)
    #[arg(long, value_name = "string")]
    since: Option<String>,
    /// Number of lines to show from the end of the logs for each container
    #[arg(short = 'n', long, value_name = "string", default_value = "all")]
    tail: String,
    /// Show timestamps
    #[arg(short, long)]
    timestamps: bool,
    /// Show logs before a timestamp (e.g. 2013-01-02T13:23:37Z) or relative (e.g. 42m for 42 minutes)
    #[arg(long, value_name = "string")]
    until: Option<String>,
    #[arg(hide = true)]
    services: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Logs = call.parse()?;
    let now = i128::from(clock::unix_nanos());
    let options = LogOptions {
        follow: line.follow,
        // Anything but a number is all, as Docker has it.
        tail: line.tail.parse().ok(),
        timestamps: line.timestamps,
        since: time::flag("since", line.since.as_deref(), now).map_err(Stop::failed)?,
        until: time::flag("until", line.until.as_deref(), now).map_err(Stop::failed)?,
    };
    let session = Session::open(call, &line.services, Files::NameWillDo)?;
    let mut containers = session.of(&line.services)?;
    if line.index > 0 {
        containers.retain(|container| container.number == line.index);
    }
    let followed: Vec<Followed> = containers
        .iter()
        .map(|container| Followed::of(&session, container))
        .collect();
    let ansi = match line.no_color {
        true => Ansi::Never,
        false => session.settings.ansi,
    };
    follow(
        &session.engine,
        &followed,
        &options,
        ansi,
        !line.no_log_prefix,
    )?;
    Ok(0)
}
