//! `[SOURCE:]TARGET[:MODE]`, and the paths of the long form.

use super::super::error::LoadError;
use super::super::node::Node;
use super::{Base, path};

/// The long form of one entry.
pub fn long(mut item: Node, place: &str, base: &Base) -> Result<Node, LoadError> {
    if item.as_mapping().is_some() {
        if item.get("type").and_then(Node::scalar) == Some("bind")
            && let Some(source) = item.get_mut("source")
        {
            path(source, base);
        }
        return Ok(item);
    }
    let Some(text) = base.short(&item) else {
        return Ok(item);
    };
    let at = &item.at;
    let bad = |why: String| Err(LoadError::at(at, place, why));
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, mode) = match parts[..] {
        [target] => (None, target, ""),
        [source, target] => (Some(source), target, ""),
        [source, target, mode] => (Some(source), target, mode),
        _ => return bad(format!("invalid spec: {text}: too many colons")),
    };
    if source == Some("") || target.is_empty() {
        return bad(format!(
            "invalid spec: {text}: empty section between colons"
        ));
    }
    let is_bind = source.is_some_and(|source| source.starts_with(['/', '.', '~']));
    let mut bind = vec![("create_host_path", Node::boolean(at, true))];
    let mut volume = Vec::new();
    let mut read_only = false;
    for word in mode.split(',').filter(|word| !word.is_empty()) {
        match word {
            "ro" => read_only = true,
            "rw" | "z" | "Z" | "cached" | "delegated" | "consistent" => {}
            "nocopy" if !is_bind => volume.push(("nocopy", Node::boolean(at, true))),
            "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave" if is_bind => {
                bind.push(("propagation", Node::text(at, word)));
            }
            word => return bad(format!("invalid mode: {word}")),
        }
    }
    let kind = if is_bind { "bind" } else { "volume" };
    let mut fields = vec![
        ("type", Node::text(at, kind)),
        ("target", Node::text(at, target)),
    ];
    if let Some(source) = source {
        let mut source = Node::text(at, source);
        if is_bind {
            path(&mut source, base);
        }
        fields.push(("source", source));
    }
    if read_only {
        fields.push(("read_only", Node::boolean(at, true)));
    }
    if is_bind {
        fields.push(("bind", Node::mapping(at, bind)));
    } else if !volume.is_empty() {
        fields.push(("volume", Node::mapping(at, volume)));
    }
    let mut node = Node::mapping(at, fields);
    node.merge = item.merge;
    Ok(node)
}
