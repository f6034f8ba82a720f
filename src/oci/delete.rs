//! `delete`.

use rbox_runtime::lifecycle::LoadError;

use super::call::{Call, failure};
use super::command::{Arity, Command};
use super::flags::{Flag, Kind};
use crate::engine::failure::Failure;

static FORCE: Flag = Flag::with_short(
    "force",
    "f",
    Kind::Switch,
    "kill the container if it runs; no error if there is none",
);

/// `delete`.
pub static COMMAND: Command = Command {
    name: "delete",
    usage: "[command options] <container-id>",
    about: "delete a container that has stopped",
    flags: &[&FORCE],
    arity: Arity::Exactly(1),
    interspersed: true,
    protected: false,
    failure: "",
    code: 1,
    run,
};

fn run(call: &Call) -> Result<u8, Failure> {
    let force = call.flags.on(&FORCE);
    let container = match call.root().load(call.id()) {
        Err(LoadError::NotFound) if force => return Ok(0),
        loaded => loaded.map_err(failure)?,
    };
    call.log.debug(|| format!("delete container {}", call.id()));
    let deleted = container.delete(force).map_err(failure);
    call.warn(container.take_warnings());
    deleted?;
    Ok(0)
}
