//! What a command is, and all of them.

use super::call::Call;
use super::flags::Flag;
use super::{
    create, delete, events, exec, features, kill, list, pause, ps, run, spec, start, state, update,
};
use crate::engine::failure::Failure;

/// How many arguments a command takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// This many.
    Exactly(usize),
    /// No fewer.
    AtLeast(usize),
    /// Fewest and most.
    Between(usize, usize),
}

/// One command.
#[derive(Debug)]
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// What follows the name in the usage line.
    pub usage: &'static str,
    /// One line.
    pub about: &'static str,
    /// Its flags.
    pub flags: &'static [&'static Flag],
    /// Its arguments.
    pub arity: Arity,
    /// Whether flags may follow arguments.
    pub interspersed: bool,
    /// Whether it puts a process into a container, and so has to run from the
    /// form of our binary that a container cannot overwrite.
    pub protected: bool,
    /// What its failures begin with.
    pub failure: &'static str,
    /// Exit code of its failures.
    pub code: u8,
    /// Runs it; the exit code.
    pub run: fn(&Call) -> Result<u8, Failure>,
}

/// All commands, sorted.
pub static COMMANDS: &[&Command] = &[
    &create::COMMAND,
    &delete::COMMAND,
    &events::COMMAND,
    &exec::COMMAND,
    &features::COMMAND,
    &kill::COMMAND,
    &list::COMMAND,
    &pause::PAUSE,
    &ps::COMMAND,
    &pause::RESUME,
    &run::COMMAND,
    &spec::COMMAND,
    &start::COMMAND,
    &state::COMMAND,
    &update::COMMAND,
];

/// Commands of runc that this runtime does not have.
const REFUSED: &[&str] = &["checkpoint", "restore"];

/// The command of that name.
pub fn find(name: &str) -> Result<&'static Command, Failure> {
    if let Some(command) = COMMANDS.iter().find(|command| command.name == name) {
        return Ok(command);
    }
    Err(Failure::new(if REFUSED.contains(&name) {
        format!("command {name} is not supported")
    } else {
        format!("no such command: {name}")
    }))
}

impl Arity {
    /// runc's text where the number is wrong.
    pub fn check(self, command: &str, count: usize) -> Result<(), Failure> {
        let wrong = |rule: String| {
            let name = super::NAME;
            Err(Failure::new(format!(
                "{name}: \"{command}\" requires {rule} argument(s)"
            )))
        };
        match self {
            Arity::Exactly(n) if count != n => wrong(format!("exactly {n}")),
            Arity::AtLeast(n) | Arity::Between(n, _) if count < n => {
                wrong(format!("a minimum of {n}"))
            }
            Arity::Between(_, n) if count > n => wrong(format!("a maximum of {n}")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Arity, COMMANDS, find};

    #[test]
    fn the_table_is_sorted_and_no_command_has_two_flags_of_a_name() {
        assert!(COMMANDS.is_sorted_by_key(|command| command.name));
        for command in COMMANDS {
            let flags = command.flags.iter();
            let mut names: Vec<&str> = flags
                .flat_map(|flag| [Some(flag.long), flag.short])
                .flatten()
                .collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{}", command.name);
        }
    }

    #[test]
    fn what_runc_has_and_we_have_not_is_refused_by_name() {
        assert_eq!(find("state").unwrap().name, "state");
        for (name, text) in [
            ("checkpoint", "command checkpoint is not supported"),
            ("restore", "command restore is not supported"),
            ("bogus", "no such command: bogus"),
        ] {
            assert_eq!(find(name).unwrap_err().message, text);
        }
    }

    #[test]
    fn counts_are_refused_with_runcs_texts() {
        for (arity, count, rule) in [
            (Arity::Exactly(1), 0, "exactly 1"),
            (Arity::Exactly(0), 1, "exactly 0"),
            (Arity::AtLeast(1), 0, "a minimum of 1"),
            (Arity::Between(1, 2), 0, "a minimum of 1"),
            (Arity::Between(1, 2), 3, "a maximum of 2"),
        ] {
            assert_eq!(
                arity.check("x", count).unwrap_err().message,
                format!("rbox-runtime: \"x\" requires {rule} argument(s)")
            );
        }
        assert!(Arity::AtLeast(1).check("x", 9).is_ok());
    }
}
