//! `exec`.

use std::path::Path;

use rbox_runtime::ExecProcess;
use rbox_runtime::lifecycle::{ExecOptions, write_pid};
use std::os::fd::AsFd;

use super::bundle;
use super::call::{Call, exec_failure, failure};
use super::command::{Arity, Command};
use super::console::Console;
use super::exec_process::{
    self, ADDITIONAL_GIDS, APPARMOR, CAP, CWD, ENV, LABEL, NO_NEW_PRIVS, TTY, USER,
};
use super::flags::{Flag, Kind, Parsed};
use super::foreground::Foreground;
use super::launch::{CONSOLE_SOCKET, PID_FILE, PRESERVE_FDS, Preserved};
use crate::engine::failure::{Context, Failure};
use crate::engine::terminal;

static PROCESS: Flag = Flag::with_short("process", "p", Kind::Text, "file of the process as JSON");
static DETACH: Flag = Flag::with_short("detach", "d", Kind::Switch, "do not wait for the end");
static CGROUP: Flag = Flag::new(
    "cgroup",
    Kind::Repeated,
    "existing cgroup below the container's",
);
static IGNORE_PAUSED: Flag = Flag::new(
    "ignore-paused",
    Kind::Switch,
    "in a paused container wait until it is resumed",
);

/// `exec`.
pub static COMMAND: Command = Command {
    name: "exec",
    usage: "[command options] <container-id> <command> [arguments...] | -p process.json <container-id>",
    about: "execute another process in a container",
    flags: &[
        &CONSOLE_SOCKET,
        &CWD,
        &ENV,
        &TTY,
        &USER,
        &ADDITIONAL_GIDS,
        &PROCESS,
        &DETACH,
        &PID_FILE,
        &LABEL,
        &APPARMOR,
        &NO_NEW_PRIVS,
        &CAP,
        &PRESERVE_FDS,
        &CGROUP,
        &IGNORE_PAUSED,
    ],
    arity: Arity::AtLeast(1),
    interspersed: false,
    protected: true,
    failure: "exec failed: ",
    // runc's: 1 is a code that processes have.
    code: 255,
    run,
};

fn run(call: &Call) -> Result<u8, Failure> {
    let container = call.container()?;
    let flags = &call.flags;
    let mut process = match flags.text(&PROCESS) {
        Some(path) => {
            let read = bundle::process(Path::new(path))?;
            call.warn(read.warnings);
            read.value
        }
        None => exec_process::from_flags(&container.spec().map_err(failure)?, flags)?,
    };
    let preserved = Preserved::of_caller(flags)?;
    process
        .env_mut()
        .get_or_insert_default()
        .extend(preserved.environment());
    let detach = flags.on(&DETACH);
    let terminal = process.terminal().unwrap_or(false);
    let console = Console::prepare(terminal, detach, flags.text(&CONSOLE_SOCKET))?;
    // runc does not become a subreaper for exec: orphans are the init's.
    let foreground = match detach {
        true => None,
        false => Some(Foreground::prepare(false)?),
    };
    call.log
        .debug(|| format!("execute {:?} in container {}", process.args(), call.id()));
    let mut options = ExecOptions::new(process);
    options.console_size = match console {
        Console::Foreground => terminal::size(),
        _ => None,
    };
    options.preserve_fds = preserved.count;
    options.ignore_paused = flags.on(&IGNORE_PAUSED);
    options.sub_cgroup = sub_cgroup(flags)?;
    let mut child = container.exec(options).map_err(exec_failure)?;
    call.warn(std::mem::take(&mut child.warnings));
    follow(call, child, &console, foreground)
}

/// The one group that `--cgroup` names. Several, for hierarchies of their own,
/// are not done.
fn sub_cgroup(flags: &Parsed) -> Result<Option<String>, Failure> {
    let mut named = flags.all(&CGROUP);
    let first = named.next().map(str::to_owned);
    match named.next() {
        Some(_) => Err(Failure::new("--cgroup is supported once only")),
        None => Ok(first),
    }
}

/// Tells whoever asked about the process, and waits for it.
fn follow(
    call: &Call,
    mut child: ExecProcess,
    console: &Console,
    foreground: Option<Foreground>,
) -> Result<u8, Failure> {
    let told = match call.flags.text(&PID_FILE) {
        Some(path) => write_pid(Path::new(path), child.pid).context(|| format!("write {path}")),
        None => Ok(()),
    };
    let told = told.and_then(|()| match (console, &child.console) {
        (Console::Socket(_), Some(master)) => console.send(master.as_fd()),
        _ => Ok(()),
    });
    if let Err(error) = told {
        // Nobody would know of the process.
        let _ = rbox_runtime::process::signal::send(child.pidfd.as_fd(), 9);
        return Err(error);
    }
    let Some(foreground) = foreground else {
        return Ok(0);
    };
    let master = child.console.take();
    foreground.wait(child.pid, Some(child.pidfd.as_fd()), master)
}

#[cfg(test)]
mod tests {
    use super::super::flags::parse;
    use super::*;

    #[test]
    fn one_group_is_taken_and_two_are_refused() {
        let group = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let flags = parse(COMMAND.flags, &words, false).unwrap();
            sub_cgroup(&flags).map_err(|failure| failure.message)
        };
        assert_eq!(group("box x"), Ok(None));
        assert_eq!(
            group("--cgroup memory:/a box x"),
            Ok(Some("memory:/a".into()))
        );
        assert_eq!(
            group("--cgroup a --cgroup b box x"),
            Err("--cgroup is supported once only".into())
        );
    }
}
