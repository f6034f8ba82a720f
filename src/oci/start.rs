//! `start`.

use super::call::{Call, failure};
use super::command::{Arity, Command};
use crate::engine::failure::Failure;

/// `start`.
pub static COMMAND: Command = Command {
    name: "start",
    usage: "<container-id>",
    about: "execute the process of a created container",
    flags: &[],
    arity: Arity::Exactly(1),
    interspersed: true,
    // The process waits inside already, in the binary that `create` protected.
    protected: false,
    failure: "",
    code: 1,
    run,
};

fn run(call: &Call) -> Result<u8, Failure> {
    let container = call.container()?;
    call.log.debug(|| format!("start container {}", call.id()));
    let started = container.start().map_err(failure);
    call.warn(container.take_warnings());
    started?;
    Ok(0)
}
