//! `attach`.

use super::{check_tty, to_u8};
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::{Outcome, Stop};
use crate::engine::Engine;
use crate::engine::attach::{AttachEnd, AttachOptions};
use crate::engine::containers;
use crate::engine::protocol::Streams;
use crate::output::error;

/// `attach`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] CONTAINER",
    about: "Attach local standard input, output, and error streams to a running container",
    arity: Arity::Exactly(1),
    interspersed: true,
    run,
    examples: "\
rbox attach web  # ctrl-p ctrl-q detaches
rbox attach --no-stdin --sig-proxy=false web  # look on only
",
    ..Spec::of::<Attach>()
};

#[derive(clap::Parser)]
struct Attach {
    /// Override the key sequence for detaching a container
    #[arg(
        long,
        value_name = "string",
        default_value = "",
        hide_default_value = true
    )]
    detach_keys: String,
    /// Do not attach STDIN
    #[arg(long)]
    no_stdin: bool,
    /// Proxy all received signals to the process (default true)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "true", action = clap::ArgAction::Set, hide_default_value = true)]
    sig_proxy: bool,
    #[arg(hide = true)]
    container: String,
}

fn run(call: &Call) -> Outcome {
    let line: Attach = call.parse()?;
    let options = AttachOptions {
        streams: Streams {
            stdin: !line.no_stdin,
            stdout: true,
            stderr: true,
        },
        detach_keys: line.detach_keys,
        sig_proxy: line.sig_proxy,
    };
    attach(&call.engine()?, &line.container, &options)
}

/// Joins a container until it ends or the user detaches.
pub fn attach(engine: &Engine, container: &str, options: &AttachOptions) -> Outcome {
    let config = containers::find(&engine.dirs, container)?.record.config;
    check_tty(options.streams.stdin && config.open_stdin, config.tty)?;
    match engine.attach(container, options)? {
        AttachEnd::Exited(code) => Ok(to_u8(code)),
        AttachEnd::Detached => Err(detached()),
    }
}

/// What Docker says when the detach keys were typed.
pub fn detached() -> Stop {
    error::print_plain("read escape sequence");
    Stop::Exit(1)
}
