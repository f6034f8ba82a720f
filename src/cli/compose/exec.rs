//! `compose exec`.

use std::io::IsTerminal;

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::container::attach::detached;
use crate::cli::container::exec::own_environment;
use crate::cli::container::to_u8;
use crate::cli::parse::env::{self, Variable};
use crate::cli::stop::Outcome;
use crate::engine::exec::ExecRequest;

/// `compose exec`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] SERVICE COMMAND [ARGS...]",
    about: "Execute a command in a running container",
    arity: Arity::AtLeast(2),
    interspersed: false,
    run,
    examples: "\
rbox compose exec web sh
rbox compose exec -T -u postgres db psql
",
    ..Spec::of::<Exec>()
};

#[derive(clap::Parser)]
struct Exec {
    /// Detached mode: Run command in the background
    #[arg(short, long)]
    detach: bool,
    /// Set environment variables
    #[arg(short, long, value_name = "stringArray", value_parser = env::variable)]
    env: Vec<Variable>,
    /// Index of the container if service has multiple replicas
    #[arg(
        long,
        value_name = "int",
        default_value = "0",
        hide_default_value = true
    )]
    index: u32,
    /// Keep STDIN open even if not attached.
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "true", action = clap::ArgAction::Set, hide = true)]
    interactive: bool,
    /// Disable pseudo-TTY allocation. By default a TTY is allocated where stdin and stdout are one.
    #[arg(short = 'T', long = "no-TTY", alias = "no-tty")]
    no_tty: bool,
    /// Give extended privileges to the process
    #[arg(long)]
    privileged: bool,
    /// Allocate a pseudo-TTY.
    #[arg(short, long, hide = true)]
    tty: bool,
    /// Run the command as this user
    #[arg(short, long, value_name = "string")]
    user: Option<String>,
    /// Path to workdir directory for this command
    #[arg(short, long, value_name = "string")]
    workdir: Option<String>,
    #[arg(hide = true)]
    service: String,
    #[arg(hide = true)]
    command: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Exec = call.parse()?;
    let session = Session::open(call, &[], Files::NameWillDo)?;
    let container = session.running(&line.service, line.index)?;
    let request = ExecRequest {
        env: own_environment(&line.env)?,
        container: container.id().to_owned(),
        command: line.command,
        interactive: line.interactive,
        tty: !line.no_tty && !line.detach && is_terminal(),
        detach: line.detach,
        user: line.user.filter(|user| !user.is_empty()),
        workdir: line.workdir.filter(|workdir| !workdir.is_empty()),
        privileged: line.privileged,
        ..ExecRequest::default()
    };
    match session.engine.exec(&request)? {
        Some(code) => Ok(to_u8(code)),
        None => Err(detached()),
    }
}

/// Whether a person sits there.
pub fn is_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}
