//! `kill`.

use super::call::{Call, failure};
use super::command::{Arity, Command};
use super::flags::{Flag, Kind};
use crate::engine::failure::Failure;
use crate::engine::signals;
use crate::output::go_text::quote;

static ALL: Flag = Flag::with_short(
    "all",
    "a",
    Kind::Switch,
    "send the signal to all processes of the container",
);

/// `kill`.
pub static COMMAND: Command = Command {
    name: "kill",
    usage: "[command options] <container-id> [signal]",
    about: "send a signal (default: SIGTERM) to a container's first process",
    flags: &[&ALL],
    arity: Arity::Between(1, 2),
    interspersed: true,
    protected: false,
    failure: "",
    code: 1,
    run,
};

fn run(call: &Call) -> Result<u8, Failure> {
    let container = call.container()?;
    let name = call
        .flags
        .arguments
        .get(1)
        .map_or("SIGTERM", String::as_str);
    let number = signal(name)?;
    call.log
        .debug(|| format!("send signal {number} to container {}", call.id()));
    container
        .kill(number, call.flags.on(&ALL))
        .map_err(failure)?;
    Ok(0)
}

/// A number (0 only asks whether the process is there), or a name with or without SIG.
fn signal(text: &str) -> Result<i32, Failure> {
    if text == "0" {
        return Ok(0);
    }
    signals::parse(text).ok_or_else(|| Failure::new(format!("unknown signal {}", quote(text))))
}

#[cfg(test)]
mod tests {
    use super::signal;

    #[test]
    fn signals_are_numbers_or_names() {
        for (text, number) in [
            ("0", 0),
            ("9", 9),
            ("KILL", 9),
            ("SIGTERM", 15),
            ("sigusr1", 10),
        ] {
            assert_eq!(signal(text).unwrap(), number);
        }
        assert_eq!(
            signal("BOGUS").unwrap_err().message,
            "unknown signal \"BOGUS\""
        );
        assert!(signal("65").is_err());
    }
}
