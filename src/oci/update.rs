//! `update`.

use super::call::{Call, failure};
use super::command::{Arity, Command};
use super::resources;
use crate::engine::failure::Failure;

/// `update`.
pub static COMMAND: Command = Command {
    name: "update",
    usage: "[command options] <container-id>",
    about: "change the limits of a container",
    flags: resources::FLAGS,
    arity: Arity::Exactly(1),
    interspersed: true,
    protected: false,
    failure: "",
    code: 1,
    run,
};

fn run(call: &Call) -> Result<u8, Failure> {
    let container = call.container()?;
    let resources = resources::read(&call.flags)?;
    call.log.debug(|| format!("update container {}", call.id()));
    container.update(&resources).map_err(failure)?;
    Ok(0)
}
