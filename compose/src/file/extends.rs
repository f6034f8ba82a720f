//! `extends`: a service over another one, of this file or of another.

use std::path::PathBuf;

use super::error::LoadError;
use super::loader::{Document, Loader, Scope};
use super::merge::{Rule, merge};
use super::node::{Mark, Node};
use super::paths;
use super::read::Item;

/// Services that extend each other in a row.
const LONGEST: usize = 50;

/// Puts every service of a document over what it extends.
///
/// # Errors
/// What is extended is not there, or a service extends itself in the end.
pub fn resolve(loader: &Loader, document: &mut Document, scope: &Scope) -> Result<(), LoadError> {
    let mut done = Vec::new();
    let services = document.node.get("services").and_then(Node::as_mapping);
    for (name, entry) in services.into_iter().flatten() {
        if entry.node.get("extends").is_some() {
            let chain = &mut Vec::new();
            let node = extended(loader, document, scope, (name, &entry.node), chain)?;
            done.push((name.clone(), node));
        }
    }
    let services = document
        .node
        .get_mut("services")
        .and_then(Node::as_mapping_mut);
    for (name, entry) in services.into_iter().flatten() {
        if let Some(at) = done.iter().position(|(done, _)| done == name) {
            entry.node = done.swap_remove(at).1;
        }
    }
    Ok(())
}

/// A service with all that it extends.
fn extended(
    loader: &Loader,
    document: &Document,
    scope: &Scope,
    (name, own): (&str, &Node),
    chain: &mut Vec<(PathBuf, String)>,
) -> Result<Node, LoadError> {
    loader.charge(own)?;
    let mut own = own.clone();
    let Some(extends) = own
        .as_mapping_mut()
        .and_then(|fields| fields.remove("extends"))
    else {
        return Ok(own);
    };
    let path = format!("services.{name}.extends");
    let bad = |at: &Mark, text: String| LoadError::at(at, &path, text);
    let link = (document.source.path.clone(), name.to_owned());
    if chain.contains(&link) || chain.len() == LONGEST {
        let names: Vec<&str> = chain.iter().map(|(_, name)| name.as_str()).collect();
        let text = format!("circular reference: {} -> {name}", names.join(" -> "));
        return Err(bad(&extends.at, text));
    }
    chain.push(link);
    let (target, file) = target(&extends.node, &path)?;
    let elsewhere = match file {
        None => None,
        Some(file) => Some(other(loader, scope, &file, &bad, &extends.at)?),
    };
    let (document, scope) = match &elsewhere {
        None => (document, scope),
        Some((document, scope)) => (document, scope),
    };
    let Some(base) = document.node.get("services").and_then(|it| it.get(&target)) else {
        let shown = &document.source.shown;
        let text = format!("service \"{target}\" not found in {shown}");
        return Err(bad(&extends.at, text));
    };
    let base = extended(loader, document, scope, (&target, base), chain)?;
    chain.pop();
    Ok(merge(base, own, Rule::Service))
}

/// Service and file that are extended.
fn target(node: &Node, path: &str) -> Result<(String, Option<String>), LoadError> {
    let path = path.to_owned();
    let item = Item { path, node };
    if node.scalar().is_some() {
        return Ok((item.word()?, None));
    }
    let mut fields = item.fields()?;
    let service = fields.required("service")?.word()?;
    let file = fields.word("file")?;
    fields.finish()?;
    Ok((service, file))
}

/// Another file, whose relative paths start where it lies.
fn other(
    loader: &Loader,
    scope: &Scope,
    file: &str,
    bad: &dyn Fn(&Mark, String) -> LoadError,
    at: &Mark,
) -> Result<(Document, Scope), LoadError> {
    let path = paths::absolute(&scope.directory, file);
    if !loader.files.has(&path) {
        return Err(bad(at, format!("open {file}: no such file or directory")));
    }
    let scope = Scope {
        directory: path.parent().unwrap_or(&path).to_owned(),
        environment: scope.environment.clone(),
    };
    let mut documents = loader.read(&[loader.source(&path)])?;
    if documents.len() > 1 {
        return Err(bad(at, format!("{file} has more than one document")));
    }
    match documents.pop() {
        Some(document) => Ok((loader.canonical(document, &scope)?, scope)),
        None => Err(bad(at, format!("{file} is empty"))),
    }
}
