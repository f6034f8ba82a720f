//! What `build` is asked for. `cli` makes it, [`Engine::build`](crate::engine::Engine) takes it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use rbox_images::Reference;

use super::run::{Limits, StepNetwork};

/// One build.
#[derive(Debug, Default)]
pub struct BuildRequest {
    /// Where the files are.
    pub context: ContextSource,
    /// Where the Dockerfile is.
    pub dockerfile: DockerfileSource,
    /// `-t`, with their tags filled in.
    pub tags: Vec<Reference>,
    /// `--build-arg`, values of the client's environment filled in.
    pub arguments: BTreeMap<String, String>,
    /// `--target`.
    pub target: Option<String>,
    /// `--label`.
    pub labels: Vec<(String, String)>,
    /// `--no-cache`.
    pub no_cache: bool,
    /// `--no-cache-filter`: stages.
    pub uncached_stages: Vec<String>,
    /// `--pull`.
    pub pull: bool,
    /// `--network`, for every `RUN` that says nothing else.
    pub network: StepNetwork,
    /// `--secret`, by id.
    pub secrets: BTreeMap<String, SecretSource>,
    /// `--add-host`.
    pub extra_hosts: Vec<(String, String)>,
    /// `--memory` and the like.
    pub limits: Limits,
    /// `--platform`; only this machine's own is built.
    pub platform: Option<String>,
    /// `SOURCE_DATE_EPOCH`, seconds since 1970.
    pub epoch: Option<i64>,
}

/// Where the context is.
#[derive(Debug, Default)]
pub enum ContextSource {
    /// There is none: the Dockerfile came alone.
    #[default]
    None,
    /// A directory.
    Directory(PathBuf),
    /// A tar, plain or compressed, read once; or a Dockerfile alone.
    Stream(File),
}

/// Where the Dockerfile is.
#[derive(Debug, Default)]
pub enum DockerfileSource {
    /// `Dockerfile` in the context.
    #[default]
    Default,
    /// `-f`: a path on the machine where the context is a directory, else one in the context.
    Path(PathBuf),
    /// Its text, from stdin.
    Text(Vec<u8>),
}

/// Where a secret is read from, when a `RUN` asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A file.
    File(PathBuf),
    /// A variable of the client's environment.
    Variable(String),
    /// The value itself.
    Value(String),
}

/// `--network` of the command line and of `RUN`.
pub fn network(text: &str) -> StepNetwork {
    match text {
        "" | "default" | "bridge" => StepNetwork::Default,
        "none" => StepNetwork::None,
        "host" => StepNetwork::Host,
        name => StepNetwork::Named(name.to_owned()),
    }
}
