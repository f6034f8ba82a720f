//! A YAML document as a tree in which every part knows its file and line.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use super::scalar::Kind;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The file as errors name it.
    pub file: Rc<str>,
    /// From 1.
    pub line: usize,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What a tag of the Compose Specification asks of a merge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Merge {
    /// No tag: by the rules of the key.
    #[default]
    Usual,
    /// `!reset`: what earlier files say is dropped, and this too.
    Reset,
    /// `!override`: this, without anything of earlier files.
    Override,
}

/// A value.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it begins.
    pub at: Mark,
    /// Its tag.
    pub merge: Merge,
    /// What it is.
    pub value: Value,
}

/// See [`Node`].
#[derive(Clone, Debug)]
pub enum Value {
    /// Text, number, truth value or nothing.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and their values.
    Mapping(Mapping),
}

/// A scalar as it was written, and what YAML takes it for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// Shared with the other places that an alias put it.
    pub text: Rc<str>,
    /// By YAML's core schema.
    pub kind: Kind,
}

/// A mapping, by key.
pub type Mapping = BTreeMap<Rc<str>, Entry>;

/// A value of a mapping.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where the key stands.
    pub at: Mark,
    /// The value.
    pub node: Node,
}

impl Node {
    /// A node without a tag.
    pub fn new(at: Mark, value: Value) -> Node {
        Node {
            at,
            merge: Merge::Usual,
            value,
        }
    }

    /// A text.
    pub fn text(at: &Mark, text: impl Into<Rc<str>>) -> Node {
        let (text, kind) = (text.into(), Kind::Text);
        Node::new(at.clone(), Value::Scalar(Scalar { text, kind }))
    }

    /// A whole number.
    pub fn integer(at: &Mark, value: i64) -> Node {
        let (text, kind) = (value.to_string().into(), Kind::Integer);
        Node::new(at.clone(), Value::Scalar(Scalar { text, kind }))
    }

    /// A truth value.
    pub fn boolean(at: &Mark, value: bool) -> Node {
        let (text, kind) = (value.to_string().into(), Kind::Bool);
        Node::new(at.clone(), Value::Scalar(Scalar { text, kind }))
    }

    /// Nothing.
    pub fn null(at: &Mark) -> Node {
        let (text, kind) = ("".into(), Kind::Null);
        Node::new(at.clone(), Value::Scalar(Scalar { text, kind }))
    }

    /// A mapping whose keys all stand at the same place.
    pub fn mapping<K: Into<Rc<str>>>(
        at: &Mark,
        fields: impl IntoIterator<Item = (K, Node)>,
    ) -> Node {
        let entry = |(key, node): (K, Node)| (key.into(), Entry::new(at, node));
        let fields = fields.into_iter().map(entry).collect();
        Node::new(at.clone(), Value::Mapping(fields))
    }

    /// Whether nothing was written.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.kind == Kind::Null)
    }

    /// The text, whatever YAML takes it for; none of a list, a mapping or of nothing.
    pub fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) if scalar.kind != Kind::Null => Some(&scalar.text),
            _ => None,
        }
    }

    /// The mapping, where it is one.
    pub fn as_mapping(&self) -> Option<&Mapping> {
        match &self.value {
            Value::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// The mapping to change.
    pub fn as_mapping_mut(&mut self) -> Option<&mut Mapping> {
        match &mut self.value {
            Value::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// The value of a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        Some(&self.as_mapping()?.get(key)?.node)
    }

    /// The value of a key of a mapping, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        Some(&mut self.as_mapping_mut()?.get_mut(key)?.node)
    }

    /// How many values it is.
    pub fn count(&self) -> usize {
        1 + match &self.value {
            Value::Scalar(_) => 0,
            Value::Sequence(items) => items.iter().map(Node::count).sum(),
            Value::Mapping(fields) => fields.values().map(|entry| entry.node.count()).sum(),
        }
    }

    /// Whether both say the same, wherever they stand.
    pub fn same(&self, other: &Node) -> bool {
        match (&self.value, &other.value) {
            (Value::Scalar(a), Value::Scalar(b)) => a == b,
            (Value::Sequence(a), Value::Sequence(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
            }
            (Value::Mapping(a), Value::Mapping(b)) => {
                a.len() == b.len()
                    && (a.iter().zip(b)).all(|(a, b)| a.0 == b.0 && a.1.node.same(&b.1.node))
            }
            _ => false,
        }
    }
}

impl Entry {
    /// A value of a key that stands there.
    pub fn new(at: &Mark, node: Node) -> Entry {
        let at = at.clone();
        Entry { at, node }
    }
}
