//! `run`: create, then start, attached unless told otherwise.

use super::flags::ContainerFlags;
use super::request::{self, Client, Refused};
use super::{check_tty, exit_code, image};
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::{Outcome, Stop};
use crate::engine::Engine;
use crate::engine::attach::AttachOptions;
use crate::engine::cgroup_plan::CgroupPlan;
use crate::engine::detach::DetachKeys;
use crate::engine::dirs::Dirs;
use crate::engine::failure::Failure;
use crate::engine::names;
use crate::engine::protocol::Streams;
use crate::engine::request::ContainerRequest;
use crate::engine::spawn::Spare;
use crate::engine::terminal;
use crate::output::error;

/// `run`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    about: "Create and run a new container from an image",
    arity: Arity::AtLeast(1),
    interspersed: false,
    run,
    examples: "\
rbox run -it --rm alpine sh
rbox run -d --name web -p 8080:80 nginx
rbox run --rm -v \"$PWD:/src\" -w /src alpine ls -l
rbox run -d --name db --network lan -e POSTGRES_PASSWORD=secret postgres
rbox run --rm -m 256m --cpus 0.5 --read-only --cap-drop ALL alpine true
",
    ..Spec::of::<Run>()
};

#[derive(clap::Parser)]
struct Run {
    #[command(flatten)]
    container: ContainerFlags,
    /// Run container in background and print container ID
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
    /// Proxy received signals to the process (default true)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "true", action = clap::ArgAction::Set, hide_default_value = true)]
    sig_proxy: bool,
    #[arg(hide = true)]
    image: String,
    #[arg(hide = true)]
    command: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    // Most lines are right: its monitor loads while this one is read.
    let early = has_monitor(call).then(|| spare(&call.dirs)).transpose()?;
    let line: Run = call.parse()?;
    let flags = &line.container;
    let mut request =
        prepare(flags, &line.image, &line.command).map_err(|refused| match refused {
            Refused::Client(failure) | Refused::Engine(failure) => Stop::Refused(failure),
        })?;
    DetachKeys::parse(&line.detach_keys).map_err(Stop::Refused)?;
    if line.detach {
        if !flags.attach.is_empty() {
            return Err(Stop::failed(
                "conflicting options: cannot specify both --attach and --detach",
            ));
        }
    } else {
        check_tty(flags.interactive, flags.tty)?;
        request.attach = streams(flags);
    }
    if flags.dry_run {
        return dry_run(call, &request, true).map_err(Stop::Refused);
    }
    let engine = call.engine().map_err(refused)?;
    let (id, mut spare) = early.map_or_else(|| spare(&engine.dirs), Ok)?;
    // What is wrong with it is told when the container is made.
    if let Ok(plan) = CgroupPlan::of(&request.host, &id) {
        spare.prepare(plan);
    }
    request.id = Some(id);
    let created = image::create(&engine, &request, flags.quiet).map_err(Stop::Refused)?;
    for warning in &created.warnings {
        error::print_plain(warning);
    }
    if line.detach {
        say(&format!("{}\n", created.id));
        engine
            .start_with(Some(spare), &created.id, None)
            .map_err(Stop::Refused)?;
        return Ok(0);
    }
    let options = AttachOptions {
        streams: request.attach,
        detach_keys: line.detach_keys,
        sig_proxy: line.sig_proxy,
    };
    let end = engine
        .start_with(Some(spare), &created.id, Some(&options))
        .map_err(Stop::Refused)?;
    Ok(exit_code(end, 0))
}

/// Whether the line starts a container, as far as can be seen before it is read.
fn has_monitor(call: &Call) -> bool {
    let answered_here = |word: &String| matches!(word.as_str(), "--help" | "--dry-run");
    rustix::process::geteuid().is_root() && !call.words.iter().any(answered_here)
}

/// A monitor for a container to be made, and its id.
fn spare(dirs: &Dirs) -> Result<(String, Spare), Stop> {
    let id = names::new_id().map_err(Stop::Refused)?;
    let spare = Spare::new(dirs, &id).map_err(Stop::Refused)?;
    Ok((id, spare))
}

/// Prints what would be done.
pub fn dry_run(call: &Call, request: &ContainerRequest, start: bool) -> Result<u8, Failure> {
    let engine = Engine::open_to_look(call.dirs.clone())?;
    let planned = engine.dry_run(request, start)?;
    for warning in &planned.warnings {
        error::print_plain(warning);
    }
    say(&planned.text);
    Ok(0)
}

/// Every failure of `run` points to its help.
fn refused(stop: Stop) -> Stop {
    match stop {
        Stop::Failed(failure) => Stop::Refused(failure),
        stop => stop,
    }
}

/// Without `-a` stdout and stderr; `-i` adds stdin.
pub fn streams(flags: &ContainerFlags) -> Streams {
    let has = |stream: &str| flags.attach.iter().any(|given| given == stream);
    let all = flags.attach.is_empty();
    Streams {
        stdin: flags.interactive || has("stdin"),
        stdout: all || has("stdout"),
        stderr: all || has("stderr"),
    }
}

/// The request, with the surroundings of this process.
pub fn prepare(
    flags: &ContainerFlags,
    image: &str,
    command: &[String],
) -> Result<ContainerRequest, Refused> {
    let here = std::env::current_dir().unwrap_or_default();
    let client = Client {
        here: &here,
        variable: &|name| std::env::var(name).ok(),
        read: &read,
        console: terminal::size().unwrap_or_default(),
    };
    request::build(flags, image, command, &client)
}

/// Reads a file; errors read as Go's.
pub fn read(path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| open_error(path, &error))
}

/// `open x: no such file or directory`.
pub fn open_error(path: &str, error: &std::io::Error) -> String {
    let reason = match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => return format!("read {path}: is a directory"),
        _ => error.to_string(),
    };
    format!("open {path}: {reason}")
}

/// A failure of `create` by the engine: exit 1, no pointer to the help.
pub fn by_engine(failure: Failure) -> Stop {
    Stop::Failed(failure.code(1))
}
