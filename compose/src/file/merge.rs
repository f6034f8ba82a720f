//! One file over another (Compose Specification, "Merge and override"): mappings key by key, lists
//! one after the other, except where a key has rules of its own. Both are canonical already.

use std::collections::HashMap;

use super::node::{Entry, Mapping, Merge, Node, Value};

/// How the values of a key are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A whole file.
    File,
    /// `services`: its values are [`Rule::Service`].
    Services,
    /// A service.
    Service,
    /// `networks` of a file.
    Networks,
    /// A network.
    Network,
    /// `ipam`.
    Ipam,
    /// `build`.
    Build,
    /// `healthcheck`.
    Healthcheck,
    /// `logging`: options of another driver are not kept.
    Logging,
    /// Texts by name, each of which a later one replaces, even if it is nothing.
    Texts,
    /// The later one, whole.
    Replace,
    /// Mappings are merged, lists appended, each text once.
    Usual,
    /// A list whose items are told apart by these keys: the later one replaces.
    Keyed(&'static [&'static str]),
    /// The same, but they are merged.
    Merged(&'static [&'static str]),
}

/// A grant goes to one place; without a target that follows from the source.
const GRANT: &[&str] = &["target", "source"];

impl Rule {
    fn of(self, key: &str) -> Rule {
        match (self, key) {
            (Rule::File, "services") => Rule::Services,
            (Rule::File, "networks") => Rule::Networks,
            (Rule::Services, _) => Rule::Service,
            (Rule::Networks, _) => Rule::Network,
            (Rule::Network, "ipam") => Rule::Ipam,
            (Rule::Ipam, "config") => Rule::Merged(&["subnet"]),
            (Rule::Service, "command" | "entrypoint") => Rule::Replace,
            (Rule::Service, "environment" | "labels" | "sysctls") => Rule::Texts,
            (Rule::Build, "args" | "labels") => Rule::Texts,
            (Rule::Texts, _) => Rule::Replace,
            (Rule::Service, "healthcheck") => Rule::Healthcheck,
            (Rule::Healthcheck, "test") => Rule::Replace,
            (Rule::Service, "logging") => Rule::Logging,
            (Rule::Service, "build") => Rule::Build,
            (Rule::Service, "ports") => {
                Rule::Keyed(&["host_ip", "target", "published", "protocol"])
            }
            (Rule::Service, "volumes") => Rule::Keyed(&["target"]),
            (Rule::Service, "env_file") => Rule::Keyed(&["path"]),
            (Rule::Service | Rule::Build, "configs" | "secrets") => Rule::Keyed(GRANT),
            _ => Rule::Usual,
        }
    }
}

/// The later node over the earlier one.
pub fn merge(base: Node, mut over: Node, rule: Rule) -> Node {
    if over.merge != Merge::Usual {
        return over;
    }
    if base.merge == Merge::Reset {
        // What still comes before is dropped, too.
        over.merge = Merge::Override;
        return over;
    }
    if over.is_null() && rule != Rule::Replace {
        return base;
    }
    let Node { at, merge, value } = over;
    let value = match (base.value, value) {
        (_, value) if rule == Rule::Replace => value,
        (Value::Mapping(base), Value::Mapping(over)) => {
            if rule == Rule::Logging && other_driver(&base, &over) {
                Value::Mapping(over)
            } else {
                Value::Mapping(mappings(base, over, rule))
            }
        }
        (Value::Sequence(base), Value::Sequence(over)) => {
            Value::Sequence(sequences(base, over, rule))
        }
        (_, value) => value,
    };
    let merge = match base.merge {
        Merge::Override => Merge::Override,
        _ => merge,
    };
    Node { at, merge, value }
}

fn mappings(mut base: Mapping, over: Mapping, rule: Rule) -> Mapping {
    for (key, entry) in over {
        let merged = match base.remove(&key) {
            Some(earlier) => Entry {
                at: entry.at,
                node: merge(earlier.node, entry.node, rule.of(&key)),
            },
            None => entry,
        };
        base.insert(key, merged);
    }
    base
}

fn other_driver(base: &Mapping, over: &Mapping) -> bool {
    let driver = |of: &Mapping| {
        let entry = of.get("driver")?;
        entry.node.scalar().map(str::to_owned)
    };
    matches!((driver(base), driver(over)), (Some(a), Some(b)) if a != b)
}

fn sequences(mut base: Vec<Node>, over: Vec<Node>, rule: Rule) -> Vec<Node> {
    let mut places: HashMap<Vec<Option<String>>, usize> = HashMap::new();
    for (place, item) in base.iter().enumerate() {
        if let Some(key) = key(item, rule) {
            places.insert(key, place);
        }
    }
    for item in over {
        let key = key(&item, rule);
        let earlier = key.as_ref().and_then(|key| places.get(key)).copied();
        match (earlier.and_then(|place| base.get_mut(place)), rule) {
            (Some(slot), Rule::Merged(_)) => {
                let at = slot.at.clone();
                let before = std::mem::replace(slot, Node::null(&at));
                *slot = merge(before, item, Rule::Usual);
            }
            (Some(slot), _) => *slot = item,
            (None, _) => {
                places.extend(key.map(|key| (key, base.len())));
                base.push(item);
            }
        }
    }
    base
}

/// What an item of a list is known by; none is like no other.
fn key(item: &Node, rule: Rule) -> Option<Vec<Option<String>>> {
    let text = |node: &Node| node.scalar().map(str::to_owned);
    match rule {
        Rule::Keyed(GRANT) => {
            let key = GRANT.iter().find_map(|key| item.get(key));
            key.and_then(text).map(|key| vec![Some(key)])
        }
        Rule::Keyed(keys) | Rule::Merged(keys) => {
            item.as_mapping()?;
            let of = |key: &&str| item.get(key).and_then(text);
            Some(keys.iter().map(of).collect())
        }
        _ => text(item).map(|text| vec![Some(text)]),
    }
}

/// Takes out what `!reset` leaves, when all files are merged.
pub fn without_reset(node: &mut Node) {
    match &mut node.value {
        Value::Scalar(_) => {}
        Value::Sequence(items) => {
            items.retain(|item| item.merge != Merge::Reset);
            items.iter_mut().for_each(without_reset);
        }
        Value::Mapping(fields) => {
            fields.retain(|_, entry| entry.node.merge != Merge::Reset);
            fields
                .values_mut()
                .for_each(|entry| without_reset(&mut entry.node));
        }
    }
}
