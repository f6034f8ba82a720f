//! `generate systemd`: Podman's, for one container.

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::{Outcome, Stop};
use crate::engine::unit::UnitOptions;

/// `generate systemd`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] CONTAINER",
    about: "Generate a systemd unit file for a container",
    arity: Arity::Exactly(1),
    interspersed: true,
    run,
    examples: "\
rbox generate systemd --name web
rbox generate systemd --files --name --restart-policy always web
",
    ..Spec::of::<Systemd>()
};

#[derive(clap::Parser)]
struct Systemd {
    /// Start the container after this unit
    #[arg(long, value_name = "unit", value_delimiter = ',')]
    after: Vec<String>,
    /// Write the unit to a file in the current directory and print its path
    #[arg(short, long)]
    files: bool,
    /// Use the container's name and not its id
    #[arg(short, long)]
    name: bool,
    /// Leave out the comment on top
    #[arg(long)]
    no_header: bool,
    /// Start the container only together with this unit
    #[arg(long, value_name = "unit", value_delimiter = ',')]
    requires: Vec<String>,
    /// When systemd starts the container again (no, on-success, on-failure, always, ...)
    #[arg(long, value_name = "policy", default_value = "on-failure")]
    restart_policy: String,
    /// Seconds before it does
    #[arg(long, value_name = "uint")]
    restart_sec: Option<u64>,
    /// Seconds that the container has to stop
    #[arg(short = 't', long, value_name = "int")]
    stop_timeout: Option<i64>,
    /// Start this unit along
    #[arg(long, value_name = "unit", value_delimiter = ',')]
    wants: Vec<String>,
    #[arg(hide = true)]
    container: String,
}

fn run(call: &Call) -> Outcome {
    let line: Systemd = call.parse()?;
    let program = std::env::current_exe()
        .map_err(|error| Stop::failed(format!("find the rbox binary: {error}")))?;
    let options = UnitOptions {
        by_name: line.name,
        no_header: line.no_header,
        restart: line.restart_policy,
        restart_seconds: line.restart_sec,
        stop_timeout: line.stop_timeout,
        after: line.after,
        wants: line.wants,
        requires: line.requires,
    };
    let unit = call.engine()?.unit(&line.container, &program, &options)?;
    if !line.files {
        say(&unit.text);
        return Ok(0);
    }
    let written = std::env::current_dir().and_then(|directory| {
        let path = directory.join(&unit.name);
        std::fs::write(&path, &unit.text).map(|()| path)
    });
    let path = written.map_err(|error| Stop::failed(format!("write {}: {error}", unit.name)))?;
    say(&format!("{}\n", path.display()));
    Ok(0)
}
