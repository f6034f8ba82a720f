//! Which files a project is in.

use std::path::{Path, PathBuf};

use super::environment::Variables;
use super::loader::Loader;
use super::text::Files;
use super::{LoadError, LoadOptions, paths};

/// Names that are looked for, the first one wins.
const NAMES: [&str; 4] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
];

/// A file of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Absolute, or `-`.
    pub path: PathBuf,
    /// As errors name it.
    pub shown: String,
}

/// The files, and where their relative paths start.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// In the order they are merged.
    pub files: Vec<Source>,
    /// The project's directory.
    pub directory: PathBuf,
}

/// Finds the files that the options mean.
///
/// # Errors
/// None is named and none is found.
pub fn files(
    options: &LoadOptions,
    environment: &Variables,
    loader: &Loader,
) -> Result<Found, LoadError> {
    let current = loader.current.as_path();
    let mut named = options.files.clone();
    if named.is_empty()
        && let Some(list) = environment.get("COMPOSE_FILE")
    {
        let separator = environment.get("COMPOSE_PATH_SEPARATOR");
        let separator = separator
            .filter(|it| !it.is_empty())
            .map_or(":", String::as_str);
        named = list
            .split(separator)
            .filter(|name| !name.is_empty())
            .map(PathBuf::from)
            .collect();
    }
    let start = options.directory.as_ref().map(|it| absolute(current, it));
    let paths = if named.is_empty() {
        search(start.as_deref().unwrap_or(current), loader.files)?
    } else {
        named.iter().map(|path| absolute(current, path)).collect()
    };
    let shown = |path: &PathBuf| {
        let shown = match path.to_str() {
            Some("-") => "stdin".to_owned(),
            _ => paths::shown(path, current),
        };
        let path = path.clone();
        Source { path, shown }
    };
    let parent = || match paths.first() {
        Some(path) if path.as_os_str() != "-" => path.parent().map(Path::to_owned),
        _ => None,
    };
    Ok(Found {
        directory: start.or_else(parent).unwrap_or_else(|| current.to_owned()),
        files: paths.iter().map(shown).collect(),
    })
}

fn absolute(current: &Path, path: &Path) -> PathBuf {
    match path.as_os_str() {
        name if name == "-" => path.to_owned(),
        _ => paths::clean(&current.join(path)),
    }
}

/// The file of the nearest directory upwards that has one, and what overrides it there.
fn search(start: &Path, files: &dyn Files) -> Result<Vec<PathBuf>, LoadError> {
    for directory in start.ancestors() {
        let found = NAMES.iter().map(|name| directory.join(name));
        let Some(file) = found.into_iter().find(|path| files.has(path)) else {
            continue;
        };
        let overrides = NAMES.iter().map(|name| {
            let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
            directory.join(format!("{stem}.override.{extension}"))
        });
        let mut found = vec![file];
        found.extend(overrides.into_iter().find(|path| files.has(path)));
        return Ok(found);
    }
    Err(LoadError::new("no configuration file provided: not found")
        .hint("write a compose.yaml, or name a file with -f"))
}
