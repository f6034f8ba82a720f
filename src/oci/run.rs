//! `run`: create and start in one, and unless detached wait for the end.

use super::call::{Call, failure};
use super::command::{Arity, Command};
use super::flags::{Flag, Kind};
use super::foreground::Foreground;
use super::launch::{
    BUNDLE, CONSOLE_SOCKET, Launch, NO_NEW_KEYRING, NO_PIVOT, PID_FILE, PRESERVE_FDS,
};
use crate::engine::failure::Failure;

static DETACH: Flag = Flag::with_short("detach", "d", Kind::Switch, "do not wait for the end");
static KEEP: Flag = Flag::new(
    "keep",
    Kind::Switch,
    "do not delete the container at its end",
);
static NO_SUBREAPER: Flag = Flag::new(
    "no-subreaper",
    Kind::Switch,
    "leave orphans of the container's processes to others",
);

/// `run`.
pub static COMMAND: Command = Command {
    name: "run",
    usage: "[command options] <container-id>",
    about: "create and start a container",
    flags: &[
        &BUNDLE,
        &CONSOLE_SOCKET,
        &DETACH,
        &KEEP,
        &PID_FILE,
        &NO_SUBREAPER,
        &NO_PIVOT,
        &NO_NEW_KEYRING,
        &PRESERVE_FDS,
    ],
    arity: Arity::Exactly(1),
    interspersed: true,
    protected: true,
    failure: "rbox-runtime run failed: ",
    code: 1,
    run,
};

fn run(call: &Call) -> Result<u8, Failure> {
    let detach = call.flags.on(&DETACH);
    let launch = Launch::new(call, detach)?;
    // From here on no signal ends this process and leaves the container behind.
    let foreground = match detach {
        true => None,
        false => Some(Foreground::prepare(!call.flags.on(&NO_SUBREAPER))?),
    };
    let mut container = launch.create(call)?;
    // Asked while it waits for its start: later it may have ended.
    let pid = container.pid();
    let started = container.start().map_err(failure);
    call.warn(container.take_warnings());
    let ended = started.and_then(|()| match &foreground {
        None => Ok(None),
        Some(foreground) => {
            let console = container.take_console();
            foreground.wait(pid, container.pidfd(), console).map(Some)
        }
    });
    match ended {
        Ok(None) => Ok(0),
        Ok(Some(code)) => {
            if !call.flags.on(&KEEP) {
                let deleted = container.delete(true).map_err(failure);
                call.warn(container.take_warnings());
                deleted?;
            }
            Ok(code)
        }
        Err(error) => {
            // What went wrong first is what to tell.
            let _ = container.delete(true);
            Err(error)
        }
    }
}
