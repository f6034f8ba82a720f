//! `stop`.

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::parse::number;
use crate::cli::side_by_side::side_by_side;
use crate::cli::stop::Outcome;

/// `stop`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Stop one or more running containers",
    arity: Arity::AtLeast(1),
    interspersed: true,
    run,
    examples: "\
rbox stop web
rbox stop -t 30 web db  # 30 seconds until they are killed
",
    ..Spec::of::<Halt>()
};

#[derive(clap::Parser)]
struct Halt {
    /// Signal to send to the container
    #[arg(short, long, value_name = "string")]
    signal: Option<String>,
    /// Seconds to wait before killing the container
    #[arg(short, long, value_name = "int", value_parser = number::integer)]
    timeout: Option<i64>,
    /// The old name of --timeout.
    #[arg(long, hide = true, value_parser = number::integer)]
    time: Option<i64>,
    #[arg(hide = true)]
    containers: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Halt = call.parse()?;
    if line.time.is_some() {
        say("Flag --time has been deprecated, use --timeout instead\n");
    }
    let engine = call.engine()?;
    let timeout = line.timeout.or(line.time);
    Ok(side_by_side(
        &line.containers,
        |name| engine.stop(name, timeout, line.signal.as_deref()),
        |_| false,
    ))
}
