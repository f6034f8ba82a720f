//! `exec`.

use std::path::Path;

use super::attach::detached;
use super::request::{Client, environment};
use super::run::read;
use super::{check_tty, to_u8};
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::parse::Invalid;
use crate::cli::parse::env::{self, Variable};
use crate::cli::stop::Outcome;
use crate::engine::exec::ExecRequest;

/// `exec`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
    about: "Execute a command in a running container",
    arity: Arity::AtLeast(2),
    interspersed: false,
    run,
    examples: "\
rbox exec -it web sh
rbox exec -u root -w /srv web ls -l
rbox exec -e DEBUG=1 web ./check
",
    ..Spec::of::<Exec>()
};

#[derive(clap::Parser)]
struct Exec {
    /// Detached mode: run command in the background
    #[arg(short, long)]
    detach: bool,
    /// Override the key sequence for detaching a container
    #[arg(
        long,
        value_name = "string",
        default_value = "",
        hide_default_value = true
    )]
    detach_keys: String,
    /// Set environment variables
    #[arg(short, long, value_name = "list", value_parser = env::variable)]
    env: Vec<Variable>,
    /// Read in a file of environment variables
    #[arg(long, value_name = "list")]
    env_file: Vec<String>,
    /// Keep STDIN open even if not attached
    #[arg(short, long)]
    interactive: bool,
    /// Give extended privileges to the command
    #[arg(long)]
    privileged: bool,
    /// Allocate a pseudo-TTY
    #[arg(short, long)]
    tty: bool,
    /// Username or UID (format: "<name|uid>[:<group|gid>]")
    #[arg(short, long, value_name = "string")]
    user: Option<String>,
    /// Working directory inside the container
    #[arg(short, long, value_name = "string")]
    workdir: Option<String>,
    #[arg(hide = true)]
    container: String,
    #[arg(hide = true)]
    command: Vec<String>,
}

/// `-e` alone, with the values of our own environment.
pub fn own_environment(variables: &[Variable]) -> Result<Vec<(String, String)>, Invalid> {
    let client = Client {
        here: Path::new("/"),
        variable: &|name| std::env::var(name).ok(),
        read: &read,
        console: (0, 0),
    };
    environment(&[], variables, &client)
}

fn run(call: &Call) -> Outcome {
    let line: Exec = call.parse()?;
    if !line.detach {
        check_tty(line.interactive, line.tty)?;
    }
    let here = std::env::current_dir().unwrap_or_default();
    let client = Client {
        here: &here,
        variable: &|name| std::env::var(name).ok(),
        read: &read,
        console: (0, 0),
    };
    let request = ExecRequest {
        env: environment(&line.env_file, &line.env, &client)?,
        container: line.container,
        command: line.command,
        interactive: line.interactive,
        tty: line.tty,
        detach: line.detach,
        user: line.user.filter(|user| !user.is_empty()),
        workdir: line.workdir.filter(|workdir| !workdir.is_empty()),
        privileged: line.privileged,
        detach_keys: line.detach_keys,
    };
    match call.engine()?.exec(&request)? {
        Some(code) => Ok(to_u8(code)),
        None => Err(detached()),
    }
}
