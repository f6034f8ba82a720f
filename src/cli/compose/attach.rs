//! `compose attach`.

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::container::attach::attach;
use crate::cli::stop::Outcome;
use crate::engine::attach::AttachOptions;
use crate::engine::protocol::Streams;

/// `compose attach`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] SERVICE",
    about: "Attach local standard input, output, and error streams to a service's running container",
    arity: Arity::Exactly(1),
    interspersed: true,
    run,
    examples: "\
rbox compose attach web
rbox compose attach --index 2 worker
",
    ..Spec::of::<Attach>()
};

#[derive(clap::Parser)]
struct Attach {
    /// Override the key sequence for detaching from a container.
    #[arg(
        long,
        value_name = "string",
        default_value = "",
        hide_default_value = true
    )]
    detach_keys: String,
    /// index of the container if service has multiple replicas.
    #[arg(
        long,
        value_name = "int",
        default_value = "0",
        hide_default_value = true
    )]
    index: u32,
    /// Do not attach STDIN
    #[arg(long)]
    no_stdin: bool,
    /// Proxy all received signals to the process (default true)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "true", action = clap::ArgAction::Set, hide_default_value = true)]
    sig_proxy: bool,
    #[arg(hide = true)]
    service: String,
}

fn run(call: &Call) -> Outcome {
    let line: Attach = call.parse()?;
    let session = Session::open(call, &[], Files::NameWillDo)?;
    let container = session.running(&line.service, line.index)?;
    let options = AttachOptions {
        streams: Streams {
            stdin: !line.no_stdin,
            stdout: true,
            stderr: true,
        },
        detach_keys: line.detach_keys,
        sig_proxy: line.sig_proxy,
    };
    attach(&session.engine, container.id(), &options)
}
