//! A parsed Dockerfile: stages of instructions, each knowing the lines that it was written on.
//!
//! Variables (`$NAME`) are still in the texts: what they mean depends on the instructions before,
//! and on the stage. [`super::expand`] replaces them when an instruction is built.

use std::ops::RangeInclusive;

/// A whole Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dockerfile {
    /// `ARG` before the first `FROM`: they are for `FROM` lines, and for `ARG NAME` in stages.
    pub global_args: Vec<Located<Vec<ArgDeclaration>>>,
    /// In the order written; at least one.
    pub stages: Vec<Stage>,
    /// The escape character of the parser directive, `\` by default.
    pub escape: char,
    /// What the user should know although it is no error, such as a mixed-case keyword.
    pub warnings: Vec<Located<String>>,
}

/// One `FROM` and what follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Lower case, as names of stages are compared.
    pub name: Option<String>,
    /// An image, an earlier stage's name or `scratch`; not yet expanded.
    pub base: String,
    /// `FROM --platform=…`, not yet expanded.
    pub platform: Option<String>,
    /// Of the `FROM`.
    pub lines: Lines,
    /// The `FROM` as written, continuations joined, for progress.
    pub text: String,
    /// Without the `FROM`.
    pub instructions: Vec<Located<Instruction>>,
}

/// First and last line in the file, from 1.
pub type Lines = RangeInclusive<usize>;

/// Something and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The thing.
    pub value: T,
    /// Where.
    pub lines: Lines,
    /// The instruction as written, keyword in capitals, continuations joined, for progress and
    /// history.
    pub text: String,
}

/// One instruction of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instruction {
    /// `RUN`.
    Run(Run),
    /// `COPY`.
    Copy(Copy),
    /// `ADD`.
    Add(Add),
    /// `ARG`.
    Arg(Vec<ArgDeclaration>),
    /// `ENV`, pairs not yet expanded.
    Env(Vec<(String, String)>),
    /// `LABEL`, pairs not yet expanded.
    Label(Vec<(String, String)>),
    /// `CMD`.
    Cmd(Command),
    /// `ENTRYPOINT`.
    Entrypoint(Command),
    /// `WORKDIR`.
    Workdir(String),
    /// `USER`.
    User(String),
    /// `EXPOSE`, words not yet expanded.
    Expose(Vec<String>),
    /// `VOLUME`, paths not yet expanded.
    Volume(Vec<String>),
    /// `STOPSIGNAL`.
    StopSignal(String),
    /// `SHELL`, the JSON form only.
    Shell(Vec<String>),
    /// `HEALTHCHECK`.
    Healthcheck(Healthcheck),
    /// `ONBUILD`: the instruction's text, for a later build; checked to parse.
    OnBuild(String),
    /// `MAINTAINER`, deprecated.
    Maintainer(String),
}

/// The two forms of a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `["a", "b"]`.
    Exec(Vec<String>),
    /// The rest of the line, for the shell; never expanded by the builder.
    Shell(String),
}

/// `RUN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What is executed. For heredocs the shell form holds the line with its `<<EOF` words.
    pub command: Command,
    /// In the order that their words stand on the line.
    pub heredocs: Vec<Heredoc>,
    /// `--mount=…`, not yet expanded.
    pub mounts: Vec<MountFlag>,
    /// `--network=default|none|host`, or a network's name.
    pub network: Option<String>,
    /// `--security=sandbox` (`insecure` is refused by the parser).
    pub security: Option<String>,
}

/// `RUN --mount=…`: its keys and values in order, checked to be known ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountFlag {
    /// `bind`, `cache`, `tmpfs` or `secret`; `ssh` is refused by the parser.
    pub kind: MountKind,
    /// The others (`target`, `source`, `from`, `id`, `sharing`, `mode`, `uid`, `gid`, `readonly`,
    /// `required`, `size`, `env`), aliases (`dst`, `destination`, `src`, `ro`, `rw`) already
    /// replaced: `rw` is `readonly=false`.
    pub options: Vec<(String, String)>,
}

/// The type of a `RUN --mount`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MountKind {
    /// Of the context, or of another stage or image.
    Bind,
    /// A directory that outlives the build.
    Cache,
    /// Memory.
    Tmpfs,
    /// `--secret` of the command line.
    Secret,
}

/// `<<EOF` and the lines up to `EOF`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// The word that ends it; the file's name in `COPY` and `ADD`.
    pub name: String,
    /// The lines, each with its newline; leading tabs are gone after `<<-`.
    pub content: String,
    /// Whether variables in it are replaced: not when the word was quoted.
    pub expand: bool,
    /// The file descriptor before `<<`, 0 unless written (`3<<EOF`).
    pub descriptor: u32,
}

/// `COPY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// Patterns in the context, or in `from`; not yet expanded.
    pub sources: Vec<String>,
    /// Heredocs among the sources.
    pub heredocs: Vec<Heredoc>,
    /// The last word.
    pub destination: String,
    /// `--from=`: a stage, its number, or an image.
    pub from: Option<String>,
    /// `--chown=`.
    pub chown: Option<String>,
    /// `--chmod=`.
    pub chmod: Option<String>,
    /// `--link`.
    pub link: bool,
    /// `--parents`.
    pub parents: bool,
    /// `--exclude=`.
    pub excludes: Vec<String>,
}

/// `ADD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Add {
    /// As of `COPY`; a source may be an URL or an archive.
    pub copy: Copy,
    /// `--checksum=sha256:…`.
    pub checksum: Option<String>,
    /// `--unpack=`: by default archives of the context are unpacked and downloads are not.
    pub unpack: Option<bool>,
    /// `--keep-git-dir`: accepted by the parser, git sources are refused by the builder.
    pub keep_git_dir: bool,
}

/// `ARG NAME[=default]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgDeclaration {
    /// Its name.
    pub name: String,
    /// Not yet expanded.
    pub default: Option<String>,
}

/// `HEALTHCHECK`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Healthcheck {
    /// `NONE`.
    None,
    /// `CMD …`; durations in nanoseconds, 0 where none was given.
    Command {
        /// What is executed.
        command: Command,
        /// `--interval`.
        interval: i64,
        /// `--timeout`.
        timeout: i64,
        /// `--start-period`.
        start_period: i64,
        /// `--start-interval`.
        start_interval: i64,
        /// `--retries`.
        retries: u32,
    },
}
