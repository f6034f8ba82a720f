//! `logs`.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::cli::call::{Arity, Call, Spec, say_bytes};
use crate::cli::parse::time;
use crate::cli::stop::{Outcome, Stop};
use crate::engine::logs::{LogOptions, LogStream};

/// `logs`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] CONTAINER",
    about: "Fetch the logs of a container",
    arity: Arity::Exactly(1),
    interspersed: true,
    run,
    examples: "\
rbox logs -f web
rbox logs --since 10m -t web
rbox logs -n 100 web
",
    ..Spec::of::<Logs>()
};

#[derive(clap::Parser)]
struct Logs {
    /// Follow log output
    #[arg(short, long)]
    follow: bool,
    /// Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)
    #[arg(long, value_name = "string")]
    since: Option<String>,
    /// Number of lines to show from the end of the logs
    #[arg(short = 'n', long, value_name = "string", default_value = "all")]
    tail: String,
    /// Show timestamps
    #[arg(short, long)]
    timestamps: bool,
    /// Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)
    #[arg(long, value_name = "string")]
    until: Option<String>,
    #[arg(hide = true)]
    container: String,
}

fn run(call: &Call) -> Outcome {
    let line: Logs = call.parse()?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|now| i128::try_from(now.as_nanos()).ok())
        .unwrap_or_default();
    let options = LogOptions {
        follow: line.follow,
        // Anything but a number is all, as Docker has it.
        tail: line.tail.parse().ok(),
        timestamps: line.timestamps,
        since: time::flag("since", line.since.as_deref(), now).map_err(Stop::failed)?,
        until: time::flag("until", line.until.as_deref(), now).map_err(Stop::failed)?,
    };
    call.engine()?.logs(
        &line.container,
        &options,
        &mut |stream, text| match stream {
            LogStream::Stdout => say_bytes(text),
            LogStream::Stderr => {
                // Nobody reads it: nothing to do about that.
                let _ = std::io::stderr().write_all(text);
            }
        },
    )?;
    Ok(0)
}
