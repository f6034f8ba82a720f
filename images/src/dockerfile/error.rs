//! What is wrong with a Dockerfile, and where.

use super::ast::Lines;
use super::duration::DurationError;
use super::expand::ExpandError;
use super::mount::MountProblem;

/// Why a Dockerfile cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DockerfileError {
    /// Not one byte.
    #[error("the Dockerfile cannot be empty")]
    Empty,
    /// Only comments and blank lines.
    #[error("file with no instructions")]
    NoInstructions,
    /// Over [`super::LARGEST`].
    #[error("the Dockerfile has {0} bytes, the limit is {limit}", limit = super::LARGEST)]
    TooLarge(usize),
    /// An instruction is wrong.
    #[error("dockerfile parse error on line {}: {problem}", .lines.start())]
    At {
        /// Of the instruction.
        lines: Lines,
        /// What is wrong with it.
        problem: Problem,
    },
}

impl DockerfileError {
    /// The lines to show the user.
    pub fn lines(&self) -> Option<&Lines> {
        match self {
            DockerfileError::At { lines, .. } => Some(lines),
            _ => None,
        }
    }

    pub(super) fn at(lines: &Lines, problem: Problem) -> DockerfileError {
        DockerfileError::At {
            lines: lines.clone(),
            problem,
        }
    }
}

/// What is wrong with one instruction; the texts are BuildKit's where it has one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No such instruction.
    #[error("unknown instruction: {name}{}", suggestion(.nearest))]
    Unknown {
        /// As written.
        name: String,
        /// One that looks like it.
        nearest: Option<String>,
    },
    /// Anything but `ARG` before the first `FROM`.
    #[error("no build stage in current context")]
    NoStage,
    /// Nothing after the keyword.
    #[error("{0} requires at least one argument")]
    NoArgument(&'static str),
    /// Nothing, or too much, after the keyword.
    #[error("{0} requires exactly one argument")]
    OneArgument(&'static str),
    /// A copy of something to nowhere.
    #[error(
        "{0} requires at least two arguments, but only one was provided. \
         Destination could not be determined"
    )]
    NoDestination(&'static str),
    /// `FROM a b`.
    #[error("FROM requires either one or three arguments")]
    From,
    /// `FROM a AS 1`.
    #[error(
        "invalid name for build stage: {0:?}, \
         name can't start with a number or contain symbols"
    )]
    StageName(String),
    /// `ENV name` alone.
    #[error("{0} must have two arguments")]
    TwoArguments(&'static str),
    /// A word without `=` where all must have one.
    #[error("Syntax error - can't find = in {0:?}. Must be of the form: name=value")]
    NoEquals(String),
    /// `=value`.
    #[error("{0} names can not be blank")]
    BlankName(&'static str),
    /// `VOLUME [""]`.
    #[error("VOLUME specified can not be an empty string")]
    BlankVolume,
    /// `["a", 1]`.
    #[error("when using JSON array syntax, arrays must be comprised of strings only")]
    NotStrings,
    /// `SHELL sh -c`.
    #[error("{0} requires the arguments to be in JSON form")]
    NotJson(&'static str),
    /// A flag that the instruction does not have.
    #[error("unknown flag: --{name}{}", suggestion(.nearest))]
    UnknownFlag {
        /// Without the dashes.
        name: String,
        /// One that looks like it, with the dashes.
        nearest: Option<String>,
    },
    /// A flag twice.
    #[error("duplicate flag specified: --{0}")]
    DuplicateFlag(String),
    /// A flag that needs a value.
    #[error("missing a value on flag: --{0}")]
    FlagValue(String),
    /// A flag that is true or false.
    #[error("expecting boolean value for flag --{0}, not: {1}")]
    FlagBoolean(String, String),
    /// Something of BuildKit that is not built here.
    #[error("{0} is not supported")]
    NotSupported(String),
    /// `RUN --mount`.
    #[error(transparent)]
    Mount(#[from] MountProblem),
    /// `ONBUILD ONBUILD`.
    #[error("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")]
    ChainedTrigger,
    /// `ONBUILD FROM`, `ONBUILD MAINTAINER`.
    #[error("{0} isn't allowed as an ONBUILD trigger")]
    Trigger(String),
    /// A trigger of an image that is several instructions, or none.
    #[error("onbuild trigger should be a single expression")]
    SeveralTriggers,
    /// `HEALTHCHECK NONE x`.
    #[error("HEALTHCHECK NONE takes no arguments")]
    HealthcheckNone,
    /// `HEALTHCHECK CMD` alone.
    #[error("Missing command after HEALTHCHECK CMD")]
    HealthcheckCommand,
    /// `HEALTHCHECK x`.
    #[error("Unknown type {0:?} in HEALTHCHECK (try CMD)")]
    HealthcheckType(String),
    /// Its times.
    #[error("--{0}: {1}")]
    Duration(&'static str, DurationError),
    /// Under a millisecond.
    #[error("Interval {0:?} cannot be less than 1ms")]
    Interval(&'static str),
    /// Not a number.
    #[error("--retries: invalid value {0:?}, it must be a number from 0 to 2147483647")]
    Retries(String),
    /// A heredoc without its end.
    #[error("unterminated heredoc")]
    OpenHeredoc,
    /// A heredoc where a path must be, or with a name that cannot be a file's.
    #[error("{0} cannot accept a heredoc as {1}")]
    Heredoc(&'static str, String),
    /// Bytes that are no text.
    #[error("{0}")]
    Text(&'static str),
    /// A parser directive.
    #[error("{0}")]
    Directive(String),
    /// `# check=error=true`, and there are warnings.
    #[error("lint violation found for rules: {0}")]
    Lint(String),
    /// A variable.
    #[error(transparent)]
    Expand(#[from] ExpandError),
}

impl Problem {
    /// With its place.
    #[must_use]
    pub fn at(self, lines: &Lines) -> DockerfileError {
        DockerfileError::at(lines, self)
    }
}

pub(super) fn suggestion(nearest: &Option<String>) -> String {
    match nearest {
        Some(nearest) => format!(" (did you mean {nearest}?)"),
        None => String::new(),
    }
}
