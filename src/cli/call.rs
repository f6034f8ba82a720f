//! One command line: which command, its words, where the state is.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::catalog;
use super::flags::{self, FlagError};
use super::help;
use super::refused;
use super::stop::{Outcome, Stop};
use crate::engine::Engine;
use crate::engine::dirs::Dirs;
pub use crate::output::stdout::{say, say_bytes};
use crate::spelling;

/// How many arguments a command takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// No fewer than this.
    AtLeast(usize),
    /// No more than this.
    AtMost(usize),
    /// This many.
    Exactly(usize),
    /// Fewest and most.
    Between(usize, usize),
}

/// What is fixed about a command.
pub struct Spec {
    /// What follows its name in the usage line.
    pub usage: &'static str,
    /// One line for lists and the help.
    pub about: &'static str,
    /// Arguments, flags not counted.
    pub arity: Arity,
    /// Flags may follow arguments; otherwise the first argument ends them.
    pub interspersed: bool,
    /// Runs it.
    pub run: fn(&Call) -> Outcome,
    /// Command lines that show its use, one a line, with two blanks and `# why` behind those that
    /// need it. A test parses them.
    pub examples: &'static str,
    /// Its flags, for whoever shows them without running it.
    pub flags: fn() -> clap::Command,
}

impl Spec {
    /// A command without flags of its own; for what a `Spec` leaves out.
    pub const EMPTY: Spec = Spec {
        usage: "",
        about: "",
        arity: Arity::AtLeast(0),
        interspersed: true,
        run: |_| Ok(0),
        examples: "",
        flags: || clap::Command::new(""),
    };

    /// What follows from the command's structure: `..Spec::of::<Rm>()`.
    pub const fn of<T: clap::CommandFactory>() -> Spec {
        Spec {
            flags: T::command,
            ..Spec::EMPTY
        }
    }
}

/// One command line.
pub struct Call {
    /// As typed: `run`, `network create`; empty for rbox itself.
    pub path: String,
    /// The command.
    pub spec: &'static Spec,
    /// What follows the path.
    pub words: Vec<String>,
    /// Where the state is.
    pub dirs: Dirs,
    /// `--insecure-registry`, each.
    pub insecure_registries: Vec<String>,
    /// What stands between `compose` and its command.
    pub compose: super::compose::Settings,
}

impl Call {
    /// `rbox run`.
    pub fn command(&self) -> String {
        format!("rbox {}", self.path).trim_end().to_owned()
    }

    /// `rbox run [OPTIONS] IMAGE [COMMAND] [ARG...]`.
    pub fn usage(&self) -> String {
        format!("{} {}", self.command(), self.spec.usage)
            .trim_end()
            .to_owned()
    }

    /// The state, opened.
    pub fn engine(&self) -> Result<Engine, Stop> {
        let mut engine = Engine::open(self.dirs.clone())?;
        engine.tell = crate::output::error::warn;
        engine
            .insecure_registries
            .clone_from(&self.insecure_registries);
        rbox_timing::mark("state opened");
        Ok(engine)
    }

    /// The words as the command's own structure.
    pub fn parse<T: clap::Parser>(&self) -> Result<T, Stop> {
        let command = T::command();
        let refused = refused::flags(catalog::short_name(self.spec, &self.path));
        let scanned = flags::scan(&command, &self.words, self.spec.interspersed, refused).map_err(
            |error| match error {
                FlagError::Refused(flag) => Stop::Unsupported(flag),
                FlagError::Unknown(typed) => Stop::Flag(unknown_flag(&command, &typed)),
                error => Stop::Flag(error.to_string()),
            },
        )?;
        if scanned.help {
            say(&help::of_command(&self.path, self.spec));
            return Err(Stop::Exit(0));
        }
        self.spec
            .arity
            .check(scanned.arguments.len())
            .map_err(Stop::Count)?;
        let mut words = scanned.flags;
        words.push("--".to_owned());
        words.extend(scanned.arguments);
        let mut command = command
            .no_binary_name(true)
            .disable_help_flag(true)
            .disable_version_flag(true)
            .args_override_self(true);
        command
            .try_get_matches_from_mut(words)
            .and_then(|matches| T::from_arg_matches(&matches))
            .inspect(|_| rbox_timing::mark("flags parsed"))
            .map_err(|error| Stop::Flag(value_error(&command, &error)))
    }
}

impl Arity {
    /// Docker's text where the number is wrong.
    pub fn check(self, count: usize) -> Result<(), String> {
        let arguments = |n: usize| if n == 1 { "argument" } else { "arguments" };
        match self {
            Arity::AtMost(0) | Arity::Exactly(0) if count > 0 => Err("accepts no arguments".into()),
            Arity::AtLeast(n) if count < n => {
                Err(format!("requires at least {n} {}", arguments(n)))
            }
            Arity::AtMost(n) if count > n => Err(format!("requires at most {n} {}", arguments(n))),
            Arity::Exactly(n) if count != n => Err(format!("requires {n} {}", arguments(n))),
            Arity::Between(least, most) if !(least..=most).contains(&count) => Err(format!(
                "requires at least {least} and at most {most} {}",
                arguments(most)
            )),
            _ => Ok(()),
        }
    }
}

/// `unknown flag: --nmae`, and which was meant.
fn unknown_flag(command: &clap::Command, typed: &str) -> String {
    let text = FlagError::Unknown(typed.to_owned()).to_string();
    let flags = command.get_arguments().filter(|flag| !flag.is_hide_set());
    match spelling::nearest(typed, flags.filter_map(clap::Arg::get_long)) {
        Some(flag) => format!("{text}\nhint: did you mean --{flag}?"),
        None => text,
    }
}

/// `invalid argument "abc" for "-m, --memory" flag: invalid size: 'abc'`.
fn value_error(command: &clap::Command, error: &clap::Error) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    let typed = context(ContextKind::InvalidArg);
    let long = typed
        .split([' ', '='])
        .next()
        .unwrap_or_default()
        .trim_start_matches('-');
    let flag = command
        .get_arguments()
        .find(|argument| argument.get_long() == Some(long))
        .and_then(clap::Arg::get_short)
        .map_or_else(
            || format!("--{long}"),
            |short| format!("-{short}, --{long}"),
        );
    let reason = match error.kind() {
        ErrorKind::ValueValidation => std::error::Error::source(error)
            .map(ToString::to_string)
            .unwrap_or_default(),
        _ => error
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned(),
    };
    let value = crate::output::go_text::quote(&context(ContextKind::InvalidValue));
    format!("invalid argument {value} for \"{flag}\" flag: {reason}")
}

#[cfg(test)]
mod tests {
    use super::Arity;

    #[test]
    fn counts_are_refused_with_dockers_texts() {
        for (arity, count, text) in [
            (Arity::AtLeast(1), 0, "requires at least 1 argument"),
            (Arity::AtLeast(2), 1, "requires at least 2 arguments"),
            (Arity::Exactly(1), 2, "requires 1 argument"),
            (Arity::Exactly(2), 1, "requires 2 arguments"),
            (Arity::Exactly(0), 1, "accepts no arguments"),
            (Arity::AtMost(1), 2, "requires at most 1 argument"),
            (
                Arity::Between(1, 2),
                3,
                "requires at least 1 and at most 2 arguments",
            ),
        ] {
            assert_eq!(arity.check(count).unwrap_err(), text);
        }
        assert_eq!(Arity::AtLeast(1).check(5), Ok(()));
    }
}
