//! From Compose files to a [`Project`](crate::model::Project).
//!
//! ```text
//! each file: read ─▶ yaml (tree with lines) ─▶ interpolate ─▶ canonical (long forms) ─▶ extends ─▶ include
//! together:  merge ─▶ read (strict types) ─▶ project (profiles, env_file, what refers to what)
//! ```

mod canonical;
mod check;
mod dotenv;
mod environment;
mod error;
mod extends;
mod find;
mod include;
mod interpolate;
mod loader;
mod merge;
mod name;
mod node;
mod paths;
mod project;
mod read;
mod render;
mod scalar;
mod suggest;
#[cfg(test)]
mod tests;
mod text;
mod units;
pub mod words;
mod yaml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use error::LoadError;
pub use render::{Format, render};
pub use text::{Disk, Files};

use crate::model::Project;
use loader::{Loader, Scope};
use node::Node;

/// Which project, and with what.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// `-f`, in order; `-` is standard input. Empty: `COMPOSE_FILE`, else `compose.yaml` and the
    /// like, from the directory upwards.
    pub files: Vec<PathBuf>,
    /// `-p`.
    pub project_name: Option<String>,
    /// `--project-directory`; else the first file's directory.
    pub directory: Option<PathBuf>,
    /// `--env-file`; empty: `.env` of the directory, where there is one.
    pub env_files: Vec<PathBuf>,
    /// `--profile`; empty: `COMPOSE_PROFILES`.
    pub profiles: Vec<String>,
    /// The process's.
    pub environment: BTreeMap<String, String>,
    /// Named on the command line: their profiles are on, and they must be there.
    pub services: Vec<String>,
}

/// Reads a project.
///
/// # Errors
/// The first thing in the files that is wrong, unknown or cannot be done, with file, line and key.
pub fn load(options: &LoadOptions) -> Result<Project, LoadError> {
    let current = std::env::current_dir()
        .map_err(|error| LoadError::new(format!("current directory: {error}")))?;
    load_from(options, &current, &Disk)
}

/// The same from another directory than the current one, and from other files than the machine's.
///
/// # Errors
/// As [`load`].
pub fn load_from(
    options: &LoadOptions,
    current: &Path,
    files: &dyn Files,
) -> Result<Project, LoadError> {
    let loader = Loader::new(current, files, true);
    let read = merged(options, &loader)?;
    let context = project::Context {
        name: read.name,
        directory: read.scope.directory,
        files: read.files,
        environment: read.scope.environment,
        profiles: &options.profiles,
        named: &options.services,
    };
    project::assemble(&read.node, context, &loader)
}

/// The files of a project merged and written as one, variables not filled in.
///
/// # Errors
/// What is no YAML, and short forms that are none; keys and values are not looked at.
pub fn without_variables(options: &LoadOptions, format: Format) -> Result<String, LoadError> {
    let current = std::env::current_dir()
        .map_err(|error| LoadError::new(format!("current directory: {error}")))?;
    let loader = Loader::new(&current, &Disk, false);
    let read = merged(options, &loader)?;
    let mut value = render::raw(&read.node);
    value["name"] = read.name.into();
    Ok(render::write(&value, format))
}

/// A project's files as one tree.
struct Read {
    name: String,
    node: Node,
    files: Vec<PathBuf>,
    scope: Scope,
}

fn merged(options: &LoadOptions, loader: &Loader) -> Result<Read, LoadError> {
    let current = &loader.current;
    let start = current.join(options.directory.as_deref().unwrap_or(Path::new(".")));
    // It may say which files there are.
    let early = environment::project(loader, options, &paths::clean(&start))?;
    let found = find::files(options, &early, loader)?;
    let directory = found.directory;
    let mut environment = environment::project(loader, options, &directory)?;
    let documents = loader.read(&found.files)?;
    let expansions = &loader.expansions;
    let name = name::choose(options, &documents, &environment, expansions, &directory)?;
    environment.insert("COMPOSE_PROJECT_NAME".to_owned(), name.clone());
    let scope = Scope {
        directory,
        environment,
    };
    let node = loader.merged(documents, &scope)?;
    let files = found.files.into_iter().map(|file| file.path).collect();
    Ok(Read {
        name,
        node,
        files,
        scope,
    })
}
