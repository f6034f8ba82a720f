//! A project's name: `-p`, `COMPOSE_PROJECT_NAME`, `name:`, the directory's.

use std::path::Path;

use super::environment::Variables;
use super::interpolate::Expansions;
use super::loader::Document;
use super::read::Item;
use super::{LoadError, LoadOptions};

/// Chooses it.
///
/// # Errors
/// It is no name, or nothing is left of the directory's.
pub fn choose(
    options: &LoadOptions,
    documents: &[Document],
    environment: &Variables,
    expansions: &Expansions,
    directory: &Path,
) -> Result<String, LoadError> {
    let given = options.project_name.as_ref();
    let given = given.or_else(|| environment.get("COMPOSE_PROJECT_NAME"));
    if let Some(name) = given.filter(|name| !name.is_empty()) {
        return check(name).map(|()| name.clone()).map_err(LoadError::new);
    }
    // The last file that says one.
    for document in documents.iter().rev() {
        let Some(node) = document.node.get("name").filter(|node| !node.is_null()) else {
            continue;
        };
        let mut node = node.clone();
        expansions.node(&mut node, "name", environment)?;
        let path = "name".to_owned();
        let item = Item { path, node: &node };
        let name = item.word()?;
        return check(&name).map(|()| name).map_err(|text| item.error(text));
    }
    let base = directory.file_name().map(|name| name.to_string_lossy());
    let name = normal(&base.unwrap_or_default());
    if name.is_empty() {
        return Err(LoadError::new("project name must not be empty").hint("give one with -p"));
    }
    Ok(name)
}

/// What is left of a text as a name.
fn normal(text: &str) -> String {
    let lower = text.to_lowercase();
    let kept: String = lower
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "_-".contains(*c))
        .collect();
    kept.trim_start_matches(['_', '-']).to_owned()
}

fn check(name: &str) -> Result<(), String> {
    if normal(name) == name {
        return Ok(());
    }
    Err(format!(
        "invalid project name \"{name}\": must consist only of lowercase alphanumeric characters, \
         hyphens, and underscores as well as start with a letter or number"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        assert_eq!(normal("My App.v2"), "myappv2");
        assert_eq!(normal("__x-y_"), "x-y_");
        assert_eq!(normal("…"), "");
        assert!(check("my-app_1").is_ok());
        assert!(check("My").is_err());
        assert!(check("-x").is_err());
    }
}
