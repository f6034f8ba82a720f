//! `include`: other projects' files, read as they would be there, whose services and the like
//! become this project's.

use std::path::PathBuf;

use super::environment;
use super::error::LoadError;
use super::loader::{Document, Loader, Scope};
use super::merge;
use super::node::{Entry, Mapping, Node, Value};
use super::paths;
use super::read::Item;

/// Files that include each other in a row.
const LONGEST: usize = 20;

/// Sections that are taken from an included file.
const SECTIONS: [&str; 5] = ["services", "networks", "volumes", "configs", "secrets"];

/// Brings in what a document includes.
///
/// # Errors
/// What is included is wrong or not there, includes itself, or names what is here, too.
pub fn resolve(
    loader: &Loader,
    document: &mut Document,
    scope: &Scope,
    outer: &[PathBuf],
) -> Result<(), LoadError> {
    let Some(fields) = document.node.as_mapping_mut() else {
        return Ok(());
    };
    let Some(entry) = fields.remove("include") else {
        return Ok(());
    };
    let path = "include".to_owned();
    let node = &entry.node;
    let item = Item { path, node };
    let mut outer = outer.to_vec();
    outer.push(document.source.path.clone());
    for item in item.list()? {
        let included = included(loader, &item, scope, &outer)?;
        for section in SECTIONS {
            if let Some(found) = included.get(section).and_then(Node::as_mapping) {
                add(&mut document.node, section, found)?;
            }
        }
    }
    Ok(())
}

/// One entry, read as a project of its own.
fn included(
    loader: &Loader,
    item: &Item,
    scope: &Scope,
    outer: &[PathBuf],
) -> Result<Node, LoadError> {
    let absolute = |text: String| paths::absolute(&scope.directory, &text);
    let (files, directory, env_files) = if item.node.scalar().is_some() {
        (vec![absolute(item.word()?)], None, Vec::new())
    } else {
        let mut fields = item.fields()?;
        let files = texts(&fields.required("path")?)?;
        let directory = fields.word("project_directory")?;
        let env_files = fields.or_default("env_file", texts)?;
        fields.finish()?;
        (
            files.into_iter().map(absolute).collect(),
            directory.map(absolute),
            env_files.into_iter().map(absolute).collect(),
        )
    };
    let Some(first) = files.first() else {
        return Err(item.error("path is missing"));
    };
    for file in &files {
        if outer.contains(file) || outer.len() == LONGEST {
            let shown = paths::shown(file, &loader.current);
            return Err(item.error(format!("include cycle detected: {shown}")));
        }
        if !loader.files.has(file) {
            let shown = paths::shown(file, &loader.current);
            return Err(item.error(format!("open {shown}: no such file or directory")));
        }
    }
    let directory = directory.unwrap_or_else(|| first.parent().unwrap_or(first).to_owned());
    let scope = Scope {
        environment: environment::with_defaults(loader, &scope.environment, env_files, &directory)?,
        directory,
    };
    let sources: Vec<_> = files.iter().map(|file| loader.source(file)).collect();
    let mut merged = loader.merged_below(loader.read(&sources)?, &scope, outer)?;
    merge::without_reset(&mut merged);
    environment::resolve(&mut merged, &scope.environment);
    Ok(merged)
}

/// A text or a list of them.
fn texts(item: &Item) -> Result<Vec<String>, LoadError> {
    match item.node.scalar() {
        Some(_) => Ok(vec![item.word()?]),
        None => item.texts(),
    }
}

/// Adds the things of a section; what is here already must be the same.
fn add(node: &mut Node, section: &str, found: &Mapping) -> Result<(), LoadError> {
    let at = node.at.clone();
    let Some(fields) = node.as_mapping_mut() else {
        return Ok(());
    };
    let entry = fields
        .entry(section.into())
        .or_insert_with(|| Entry::new(&at, Node::new(at.clone(), Value::Mapping(Mapping::new()))));
    if entry.node.is_null() {
        entry.node.value = Value::Mapping(Mapping::new());
    }
    let Some(own) = entry.node.as_mapping_mut() else {
        return Ok(());
    };
    for (name, included) in found {
        match own.get(name) {
            None => {
                own.insert(name.clone(), included.clone());
            }
            Some(there) if there.node.same(&included.node) => {}
            Some(there) => {
                let text = format!("conflicts with imported resource ({})", included.at);
                return Err(LoadError::at(&there.at, &format!("{section}.{name}"), text));
            }
        }
    }
    Ok(())
}
