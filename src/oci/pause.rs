//! `pause` and `resume`.

use super::call::{Call, failure};
use super::command::{Arity, Command};
use crate::engine::failure::Failure;

/// `pause`.
pub static PAUSE: Command = Command {
    name: "pause",
    usage: "<container-id>",
    about: "stop all processes of a container until they are resumed",
    flags: &[],
    arity: Arity::Exactly(1),
    interspersed: true,
    protected: false,
    failure: "",
    code: 1,
    run: |call: &Call| {
        call.container()?.pause().map_err(failure)?;
        Ok(0)
    },
};

/// `resume`.
pub static RESUME: Command = Command {
    name: "resume",
    usage: "<container-id>",
    about: "let the processes of a paused container go on",
    flags: &[],
    arity: Arity::Exactly(1),
    interspersed: true,
    protected: false,
    failure: "",
    code: 1,
    run: |call: &Call| -> Result<u8, Failure> {
        call.container()?.resume().map_err(failure)?;
        Ok(0)
    },
};
