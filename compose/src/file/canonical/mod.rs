//! Short forms made long, and relative paths absolute, in each file by itself: files that are
//! merged afterwards then speak of the same things in the same way.
//!
//! What is not understood stays as it is and is refused when the merged whole is read.

mod mount;
mod port;

use std::path::Path;

pub use port::range as port_range;

use super::error::LoadError;
use super::interpolate::Expansions;
use super::node::{Entry, Mapping, Node, Value};
use super::paths;

/// What the short forms of a file are relative to.
pub struct Base<'a> {
    /// Where its relative paths start.
    pub directory: &'a Path,
    /// Bounds what ranges of ports become.
    pub expansions: &'a Expansions,
    /// Whether variables are filled in; else a short form that has some stays as it is.
    pub filled: bool,
}

impl Base<'_> {
    /// The text of a short form that can be read.
    fn short<'n>(&self, node: &'n Node) -> Option<&'n str> {
        node.scalar()
            .filter(|text| self.filled || !text.contains('$'))
    }
}

/// Makes the sections of a document canonical.
pub fn document(node: &mut Node, base: &Base) -> Result<(), LoadError> {
    for (section, each) in [
        ("services", service as fn(&mut Node, &str, &Base) -> _),
        ("networks", labelled),
        ("volumes", labelled),
        ("configs", file_object),
        ("secrets", file_object),
    ] {
        let Some(entries) = node.get_mut(section).and_then(Node::as_mapping_mut) else {
            continue;
        };
        for (name, entry) in entries {
            each(&mut entry.node, &format!("{section}.{name}"), base)?;
        }
    }
    Ok(())
}

fn labelled(node: &mut Node, _: &str, _: &Base) -> Result<(), LoadError> {
    node.get_mut("labels").map(pairs);
    Ok(())
}

fn file_object(node: &mut Node, _: &str, base: &Base) -> Result<(), LoadError> {
    if let Some(file) = node.get_mut("file") {
        path(file, base);
    }
    Ok(())
}

fn service(node: &mut Node, place: &str, base: &Base) -> Result<(), LoadError> {
    let Some(fields) = node.as_mapping_mut() else {
        return Ok(());
    };
    for (key, Entry { node, .. }) in fields {
        match &**key {
            "build" => build(node, base),
            "environment" | "labels" | "sysctls" => pairs(node),
            "extra_hosts" => hosts(node),
            "depends_on" => names(node, |name| {
                Node::mapping(
                    &name.at,
                    [
                        ("condition", Node::text(&name.at, "service_started")),
                        ("required", Node::boolean(&name.at, true)),
                    ],
                )
            }),
            "networks" => names(node, |name| Node::null(&name.at)),
            "dns" | "dns_search" | "tmpfs" => list(node),
            "label_file" => {
                list(node);
                items(node).for_each(|item| path(item, base));
            }
            "env_file" => {
                list(node);
                items(node).for_each(|item| env_file(item, base));
            }
            "configs" | "secrets" => grants(node),
            "ports" => each(node, |item, index| {
                port::long(item, &format!("{place}.ports[{index}]"), base)
            })?,
            "volumes" => each(node, |item, index| {
                let place = format!("{place}.volumes[{index}]");
                Ok(vec![mount::long(item, &place, base)?])
            })?,
            _ => {}
        }
    }
    Ok(())
}

fn build(node: &mut Node, base: &Base) {
    if node.scalar().is_some() {
        let at = node.at.clone();
        let merge = node.merge;
        let context = std::mem::replace(node, Node::null(&at));
        *node = Node::mapping(&at, [("context", context)]);
        node.merge = merge;
    }
    let Some(fields) = node.as_mapping_mut() else {
        return;
    };
    for (key, Entry { node, .. }) in fields {
        match &**key {
            "context" if !node.scalar().is_some_and(remote) => path(node, base),
            "args" | "labels" => pairs(node),
            "extra_hosts" => hosts(node),
            "secrets" => grants(node),
            _ => {}
        }
    }
}

/// A build context that is not a directory.
pub fn remote(context: &str) -> bool {
    context.contains("://") || context.starts_with("git@") || context.starts_with("github.com/")
}

/// Makes the text of a path absolute.
fn path(node: &mut Node, base: &Base) {
    if let Value::Scalar(scalar) = &mut node.value
        && !scalar.text.is_empty()
        && (base.filled || !scalar.text.starts_with('$'))
    {
        let path = paths::absolute(base.directory, &scalar.text);
        scalar.text = path.to_string_lossy().into();
    }
}

/// One text is a list of it.
fn list(node: &mut Node) {
    if node.scalar().is_some() {
        let at = node.at.clone();
        let item = std::mem::replace(node, Node::null(&at));
        node.merge = item.merge;
        node.value = Value::Sequence(vec![item]);
    }
}

fn items(node: &mut Node) -> impl Iterator<Item = &mut Node> {
    match &mut node.value {
        Value::Sequence(items) => items.iter_mut(),
        _ => [].iter_mut(),
    }
}

/// Replaces each item of a list by what it stands for.
fn each(
    node: &mut Node,
    long: impl Fn(Node, usize) -> Result<Vec<Node>, LoadError>,
) -> Result<(), LoadError> {
    if let Value::Sequence(items) = &mut node.value {
        let mut made = Vec::with_capacity(items.len());
        for (index, item) in std::mem::take(items).into_iter().enumerate() {
            made.extend(long(item, index)?);
        }
        *items = made;
    }
    Ok(())
}

/// A list of texts becomes a mapping.
fn keyed(node: &mut Node, entry: impl Fn(&Node, &str) -> (String, Node)) {
    let Value::Sequence(items) = &node.value else {
        return;
    };
    let mut mapping = Mapping::new();
    for item in items {
        let Some(text) = item.scalar() else {
            return;
        };
        let (key, value) = entry(item, text);
        mapping.insert(key.into(), Entry::new(&item.at, value));
    }
    node.value = Value::Mapping(mapping);
}

/// `["A=b", "C"]` is `{A: b, C: null}`.
fn pairs(node: &mut Node) {
    keyed(node, |item, text| match text.split_once('=') {
        Some((key, value)) => (key.to_owned(), Node::text(&item.at, value)),
        None => (text.to_owned(), Node::null(&item.at)),
    });
}

/// `[a, b]` is `{a: …, b: …}`.
fn names(node: &mut Node, value: impl Fn(&Node) -> Node) {
    keyed(node, |item, text| (text.to_owned(), value(item)));
}

/// `[a]` is `[{source: a}]`.
fn grants(node: &mut Node) {
    for item in items(node) {
        if item.scalar().is_some() {
            let at = item.at.clone();
            let source = std::mem::replace(item, Node::null(&at));
            *item = Node::mapping(&at, [("source", source)]);
        }
    }
}

/// `a.env` is `{path: a.env}`.
fn env_file(item: &mut Node, base: &Base) {
    if item.scalar().is_some() {
        let at = item.at.clone();
        let path = std::mem::replace(item, Node::null(&at));
        *item = Node::mapping(&at, [("path", path)]);
    }
    if let Some(node) = item.get_mut("path") {
        path(node, base);
    }
}

/// `["name=address", "name:address"]` and `{name: address}` are `{name: [address, …]}`.
fn hosts(node: &mut Node) {
    let mut mapping = Mapping::new();
    let mut add = |name: &str, address: &Node| {
        let entry = mapping.entry(name.into()).or_insert_with(|| {
            let none = Node::new(address.at.clone(), Value::Sequence(Vec::new()));
            Entry::new(&address.at, none)
        });
        if let Value::Sequence(addresses) = &mut entry.node.value {
            addresses.push(address.clone());
        }
    };
    match &node.value {
        Value::Sequence(items) => {
            for item in items {
                let Some(text) = item.scalar() else {
                    return;
                };
                let Some((name, address)) = text.split_once('=').or_else(|| text.split_once(':'))
                else {
                    return;
                };
                add(name.trim(), &Node::text(&item.at, address.trim()));
            }
        }
        Value::Mapping(fields) => {
            for (name, entry) in fields {
                match &entry.node.value {
                    Value::Sequence(addresses) => addresses.iter().for_each(|it| add(name, it)),
                    _ => add(name, &entry.node),
                }
            }
        }
        Value::Scalar(_) => return,
    }
    node.value = Value::Mapping(mapping);
}
