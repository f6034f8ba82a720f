//! `state`.

use super::call::Call;
use super::command::{Arity, Command};
use super::container_state::describe;
use crate::engine::failure::{Context, Failure};
use crate::output::stdout::say;

/// `state`.
pub static COMMAND: Command = Command {
    name: "state",
    usage: "<container-id>",
    about: "print the state of a container",
    flags: &[],
    arity: Arity::Exactly(1),
    interspersed: true,
    protected: false,
    failure: "",
    code: 1,
    run,
};

fn run(call: &Call) -> Result<u8, Failure> {
    let state = describe(&call.container()?, "");
    let text = serde_json::to_string_pretty(&state).context(|| "print the state".into())?;
    say(&format!("{text}\n"));
    Ok(0)
}
