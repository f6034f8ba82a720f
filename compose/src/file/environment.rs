//! Variables of a project and of its services: files of them, and which value wins.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::loader::Loader;
use super::node::Node;
use super::read::EnvFile;
use super::{LoadError, LoadOptions, dotenv, paths, text};

/// Variables by name.
pub type Variables = BTreeMap<String, String>;

/// What a project's variables are filled in from: the process's, and beside them `--env-file`,
/// `COMPOSE_ENV_FILES` or `.env`.
pub fn project(
    loader: &Loader,
    options: &LoadOptions,
    directory: &Path,
) -> Result<Variables, LoadError> {
    let own = &options.environment;
    let mut files: Vec<PathBuf> = options.env_files.clone();
    if files.is_empty()
        && let Some(list) = own.get("COMPOSE_ENV_FILES")
    {
        let named = list.split(',').filter(|name| !name.is_empty());
        files = named.map(PathBuf::from).collect();
    }
    let disabled = own.get("COMPOSE_DISABLE_ENV_FILE");
    if files.is_empty() && disabled.is_some_and(|value| value == "1" || value == "true") {
        return Ok(own.clone());
    }
    let files = files
        .iter()
        .map(|file| paths::clean(&loader.current.join(file)))
        .collect();
    with_defaults(loader, own, files, directory)
}

/// Variables, and beside them those of the files; without any of `.env` in the directory, if it is
/// there.
pub fn with_defaults(
    loader: &Loader,
    own: &Variables,
    files: Vec<PathBuf>,
    directory: &Path,
) -> Result<Variables, LoadError> {
    let (files, required) = match files.is_empty() {
        true => (vec![directory.join(".env")], false),
        false => (files, true),
    };
    let mut variables = own.clone();
    let mut defaults = Variables::new();
    for path in files {
        if !required && !loader.files.has(&path) {
            continue;
        }
        let shown = paths::shown(&path, &loader.current);
        let text = loader.files.read(&path).map_err(|error| {
            let why = text::why(&error);
            LoadError::new(format!("couldn't find env file: {shown}: {why}"))
        })?;
        let lines = dotenv::parse(&text, &variables, &loader.expansions)
            .map_err(|bad| LoadError::new(format!("{shown}:{}: {}", bad.line, bad.text)))?;
        let set = lines
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        defaults.extend(set);
    }
    for (name, value) in defaults {
        variables.entry(name).or_insert(value);
    }
    Ok(variables)
}

/// Variables of the files that a service names, later ones over earlier ones. Without a value they
/// are the project's; `None` where that has none.
pub fn of_files(
    loader: &Loader,
    files: &[EnvFile],
    project: &Variables,
) -> Result<BTreeMap<String, Option<String>>, LoadError> {
    let mut found = BTreeMap::new();
    for file in files {
        let shown = paths::shown(&file.path, &loader.current);
        let text = match loader.files.read(&file.path) {
            Ok(text) => text,
            Err(error) if !file.required && error.kind() == std::io::ErrorKind::NotFound => {
                continue;
            }
            Err(error) => {
                let (place, why) = (&file.place, text::why(&error));
                let problem = format!("{place}: env file {shown} not found: {why}");
                return Err(LoadError::new(problem));
            }
        };
        let lines = match file.raw {
            true => dotenv::raw(&text),
            false => dotenv::parse(&text, project, &loader.expansions),
        };
        let lines =
            lines.map_err(|bad| LoadError::new(format!("{shown}:{}: {}", bad.line, bad.text)))?;
        found.extend(lines);
    }
    Ok(found)
}

/// Gives variables without a value those of a file that is included, which its includer may lack.
pub fn resolve(merged: &mut Node, variables: &Variables) {
    let services = merged.get_mut("services").and_then(Node::as_mapping_mut);
    for (_, service) in services.into_iter().flatten() {
        let own = service
            .node
            .get_mut("environment")
            .and_then(Node::as_mapping_mut);
        for (name, entry) in own.into_iter().flatten() {
            if entry.node.is_null()
                && let Some(value) = variables.get(&**name)
            {
                entry.node = Node::text(&entry.at, value.as_str());
            }
        }
    }
}
