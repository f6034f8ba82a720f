//! `start`.

use super::exit_code;
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::{Outcome, Stop};
use crate::engine::attach::AttachOptions;
use crate::engine::protocol::Streams;
use crate::output::error;

/// `start`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Start one or more stopped containers",
    arity: Arity::AtLeast(1),
    interspersed: true,
    run,
    examples: "\
rbox start web db
rbox start -ai shell  # attached
",
    ..Spec::of::<Start>()
};

#[derive(clap::Parser)]
struct Start {
    /// Attach STDOUT/STDERR and forward signals
    #[arg(short, long)]
    attach: bool,
    /// Override the key sequence for detaching a container
    #[arg(
        long,
        value_name = "string",
        default_value = "",
        hide_default_value = true
    )]
    detach_keys: String,
    /// Attach container's STDIN
    #[arg(short, long)]
    interactive: bool,
    #[arg(hide = true)]
    containers: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Start = call.parse()?;
    let engine = call.engine()?;
    if line.attach || line.interactive {
        let [name] = line.containers.as_slice() else {
            return Err(Stop::failed(
                "you cannot start and attach multiple containers at once",
            ));
        };
        let options = AttachOptions {
            streams: Streams {
                stdin: line.interactive,
                stdout: true,
                stderr: true,
            },
            detach_keys: line.detach_keys,
            sig_proxy: true,
        };
        return Ok(exit_code(engine.start(name, Some(&options))?, 0));
    }
    let mut failed = Vec::new();
    for name in &line.containers {
        match engine.start(name, None) {
            Ok(_) => say(&format!("{name}\n")),
            Err(failure) => {
                error::print(&failure);
                failed.push(name.as_str());
            }
        }
    }
    if failed.is_empty() {
        return Ok(0);
    }
    Err(Stop::failed(format!(
        "failed to start containers: {}",
        failed.join(" ")
    )))
}
