//! `create`.

use super::call::Call;
use super::command::{Arity, Command};
use super::launch::{
    BUNDLE, CONSOLE_SOCKET, Launch, NO_NEW_KEYRING, NO_PIVOT, PID_FILE, PRESERVE_FDS,
};
use crate::engine::failure::Failure;

/// `create`.
pub static COMMAND: Command = Command {
    name: "create",
    usage: "[command options] <container-id>",
    about: "create a container",
    flags: &[
        &BUNDLE,
        &CONSOLE_SOCKET,
        &PID_FILE,
        &NO_PIVOT,
        &NO_NEW_KEYRING,
        &PRESERVE_FDS,
    ],
    arity: Arity::Exactly(1),
    interspersed: true,
    protected: true,
    failure: "rbox-runtime create failed: ",
    code: 1,
    run,
};

fn run(call: &Call) -> Result<u8, Failure> {
    Launch::new(call, true)?.create(call)?;
    Ok(0)
}
