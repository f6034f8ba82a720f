//! Dockerfiles: text in, stages of located instructions out. Pure.
//!
//! ```text
//!  bytes ──source──▶ statements ──instruction──▶ Located<Instruction> ──▶ Dockerfile
//!          (directives, continuations,   (keyword, flags, words,          (stages, warnings)
//!           comments, heredocs)           JSON, heredocs)
//! ```
//!
//! The parser is our own: those that there are know neither heredocs nor flags, and none has
//! Docker's texts for what is wrong.

mod ast;
mod copy;
mod directive;
mod duration;
mod error;
mod expand;
mod flags;
mod from;
mod healthcheck;
mod heredoc;
mod instruction;
mod lint;
mod mount;
mod parse;
mod run;
mod source;
mod suggest;
mod words;

pub use ast::{
    Add, ArgDeclaration, Command, Copy, Dockerfile, Healthcheck, Heredoc, Instruction, Lines,
    Located, MountFlag, MountKind, Run, Stage,
};
pub use duration::{DurationError, parse as parse_duration};
pub use error::{DockerfileError, Problem};
pub use expand::{
    ExpandError, ExpandProblem, Lookup, SubstitutionError, expand, expand_heredoc, expand_words,
};
pub use mount::MountProblem;
pub use parse::{LARGEST, parse_instruction};
pub use run::Program;
