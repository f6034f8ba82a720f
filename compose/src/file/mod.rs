//! From Compose files to a [`Project`](crate::model::Project).
//!
//! ```text
//! each file: read ─▶ yaml (tree with lines) ─▶ interpolate ─▶ canonical (long forms) ─▶ extends ─▶ include
//! together:  merge ─▶ read (strict types) ─▶ project (profiles, env_file, what refers to what)
//! ```

mod canonical;
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
mod scalar;
mod suggest;
#[cfg(test)]
mod tests;
mod text;
mod units;
mod words;
mod yaml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use error::LoadError;

use crate::model::Project;
use loader::{Loader, Scope};

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
    load_from(options, &current)
}

/// The same, from another directory than the current one.
pub fn load_from(options: &LoadOptions, current: &Path) -> Result<Project, LoadError> {
    let loader = Loader::new(current);
    let start = current.join(options.directory.as_deref().unwrap_or(Path::new(".")));
    // It may say which files there are.
    let early = environment::project(&loader, options, &paths::clean(&start))?;
    let found = find::files(options, &early, current)?;
    let directory = found.directory;
    let mut environment = environment::project(&loader, options, &directory)?;
    let first = loader.read(&found.files)?;
    let name = name::choose(
        options,
        &first,
        &environment,
        &loader.expansions,
        &directory,
    )?;
    environment.insert("COMPOSE_PROJECT_NAME".to_owned(), name.clone());
    let scope = Scope {
        directory: directory.clone(),
        environment,
    };
    let merged = loader.merged(first, &scope)?;
    let environment = scope.environment;
    let context = project::Context {
        name,
        directory,
        files: found.files.iter().map(|file| file.path.clone()).collect(),
        environment,
        profiles: &options.profiles,
        named: &options.services,
    };
    project::assemble(&merged, context, &loader)
}
