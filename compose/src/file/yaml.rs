//! From YAML text to trees: anchors and `<<` resolved, tags understood, everything bounded.

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::error::LoadError;
use super::node::{Entry, Mapping, Mark, Merge, Node, Scalar, Value};
use super::scalar::{self, Kind};

/// Values a file may have, those that aliases repeat among them.
const MOST_NODES: usize = 100_000;

/// Bytes of text in them.
const MOST_BYTES: usize = 8 << 20;

/// Lists and mappings inside each other.
const DEEPEST: usize = 64;

/// Reads the documents of a file.
///
/// # Errors
/// What is not YAML, repeats a key, has a tag or a key that Compose does not know of, or is larger
/// than any Compose file.
pub fn documents(text: &str, file: &Rc<str>) -> Result<Vec<Node>, LoadError> {
    let mut tree = Tree {
        file: file.clone(),
        documents: Vec::new(),
        open: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        bytes: 0,
    };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            let (file, line) = (file.clone(), error.marker().line());
            LoadError::at(&Mark { file, line }, "", error.info())
        })?;
        tree.event(event, span)?;
    }
    Ok(tree.documents)
}

/// What was read so far.
struct Tree {
    file: Rc<str>,
    documents: Vec<Node>,
    /// Lists and mappings that have not ended, from the outermost.
    open: Vec<Open>,
    /// Values to repeat, with how many nodes and bytes they are.
    anchors: HashMap<usize, (Node, usize, usize)>,
    nodes: usize,
    bytes: usize,
}

/// A list or mapping that has not ended.
struct Open {
    at: Mark,
    merge: Merge,
    anchor: usize,
    /// Nodes and bytes before it.
    before: (usize, usize),
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping {
        mapping: Mapping,
        /// A key whose value comes next; whether it is `<<`.
        key: Option<(Rc<str>, Mark, bool)>,
        /// What `<<` named, in order.
        merged: Vec<Mapping>,
    },
}

impl Tree {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), LoadError> {
        let at = Mark {
            file: self.file.clone(),
            line: span.start.line(),
        };
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let before = (self.nodes, self.bytes);
                self.count(&at, 1, text.len())?;
                let plain = style == ScalarStyle::Plain;
                let (merge, kind) = scalar_tag(&at, tag.as_deref(), &text, plain)?;
                let is_key = self.expects_key();
                if is_key && plain && &*text == "<<" {
                    return self.key(Rc::from("<<"), at, true);
                }
                let text: Rc<str> = Rc::from(&*text);
                let mut node = Node::new(at, Value::Scalar(Scalar { text, kind }));
                node.merge = merge;
                self.value(node, anchor, before)
            }
            Event::SequenceStart(anchor, tag) => self.start(
                at,
                anchor,
                tag.as_deref(),
                "seq",
                Content::Sequence(Vec::new()),
            ),
            Event::MappingStart(anchor, tag) => {
                let content = Content::Mapping {
                    mapping: Mapping::new(),
                    key: None,
                    merged: Vec::new(),
                };
                self.start(at, anchor, tag.as_deref(), "map", content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => {
                let Some((node, nodes, bytes)) = self.anchors.get(&anchor).cloned() else {
                    return Err(LoadError::at(
                        &at,
                        "",
                        "an alias stands inside its own anchor",
                    ));
                };
                self.count(&at, nodes, bytes)?;
                self.value(node, 0, (self.nodes, self.bytes))
            }
            Event::DocumentEnd => {
                self.anchors.clear();
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => {
                Ok(())
            }
        }
    }

    fn count(&mut self, at: &Mark, nodes: usize, bytes: usize) -> Result<(), LoadError> {
        self.nodes += nodes;
        self.bytes += bytes;
        if self.nodes > MOST_NODES || self.bytes > MOST_BYTES {
            let text = format!(
                "too large: more than {MOST_NODES} values or {} MiB of text, aliases included",
                MOST_BYTES >> 20
            );
            return Err(LoadError::at(at, "", text));
        }
        Ok(())
    }

    fn start(
        &mut self,
        at: Mark,
        anchor: usize,
        tag: Option<&Tag>,
        own: &str,
        content: Content,
    ) -> Result<(), LoadError> {
        if self.open.len() == DEEPEST {
            return Err(LoadError::at(
                &at,
                "",
                format!("more than {DEEPEST} levels"),
            ));
        }
        let before = (self.nodes, self.bytes);
        self.count(&at, 1, 0)?;
        let merge = match tag {
            Some(tag) if tag.is_yaml_core_schema() && tag.suffix == own => Merge::Usual,
            tag => merge_tag(&at, tag)?,
        };
        self.open.push(Open {
            at,
            merge,
            anchor,
            before,
            content,
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), LoadError> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let value = match open.content {
            Content::Sequence(items) => Value::Sequence(items),
            Content::Mapping {
                mut mapping,
                merged,
                ..
            } => {
                for (key, entry) in merged.into_iter().flatten() {
                    mapping.entry(key).or_insert(entry);
                }
                Value::Mapping(mapping)
            }
        };
        let mut node = Node::new(open.at, value);
        node.merge = open.merge;
        self.value(node, open.anchor, open.before)
    }

    fn expects_key(&self) -> bool {
        matches!(
            self.open.last(),
            Some(Open {
                content: Content::Mapping { key: None, .. },
                ..
            })
        )
    }

    fn key(&mut self, name: Rc<str>, at: Mark, merges: bool) -> Result<(), LoadError> {
        if let Some(Open {
            content: Content::Mapping { mapping, key, .. },
            ..
        }) = self.open.last_mut()
        {
            if let Some(earlier) = mapping.get(&name) {
                let line = earlier.at.line;
                let text = format!("mapping key \"{name}\" already defined at line {line}");
                return Err(LoadError::at(&at, "", text));
            }
            *key = Some((name, at, merges));
        }
        Ok(())
    }

    /// A complete value, which goes where it stands.
    fn value(
        &mut self,
        node: Node,
        anchor: usize,
        before: (usize, usize),
    ) -> Result<(), LoadError> {
        if anchor != 0 {
            let size = (self.nodes - before.0, self.bytes - before.1);
            self.anchors.insert(anchor, (node.clone(), size.0, size.1));
        }
        if self.expects_key() {
            return match node.value {
                Value::Scalar(scalar) if node.merge == Merge::Usual => {
                    self.key(scalar.text, node.at, false)
                }
                _ => Err(LoadError::at(&node.at, "", "a key must be a text")),
            };
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.documents.push(node),
            Some(Content::Sequence(items)) => items.push(node),
            Some(Content::Mapping {
                mapping,
                key,
                merged,
            }) => match key.take() {
                Some((_, at, true)) => merged.extend(merge_sources(&at, node)?),
                Some((name, at, false)) => {
                    mapping.insert(name, Entry { at, node });
                }
                None => {}
            },
        }
        Ok(())
    }
}

/// The mappings that `<<` names.
fn merge_sources(at: &Mark, node: Node) -> Result<Vec<Mapping>, LoadError> {
    let bad = || LoadError::at(at, "", "<< takes a mapping or a list of mappings");
    let one = |node: Node| match node.value {
        Value::Mapping(mapping) => Ok(mapping),
        _ => Err(bad()),
    };
    match node.value {
        Value::Sequence(items) => items.into_iter().map(one).collect(),
        _ => one(node).map(|mapping| vec![mapping]),
    }
}

/// What a scalar's tag, quotes and text make of it.
fn scalar_tag(
    at: &Mark,
    tag: Option<&Tag>,
    text: &str,
    plain: bool,
) -> Result<(Merge, Kind), LoadError> {
    let written = if plain {
        scalar::kind(text)
    } else {
        Kind::Text
    };
    let Some(core) = tag.filter(|tag| tag.is_yaml_core_schema()) else {
        return Ok((merge_tag(at, tag)?, written));
    };
    let kind = match core.suffix.as_str() {
        "str" => Some(Kind::Text),
        "null" if scalar::kind(text) == Kind::Null => Some(Kind::Null),
        "bool" if scalar::kind(text) == Kind::Bool => Some(Kind::Bool),
        "int" if scalar::integer(text).is_some() => Some(Kind::Integer),
        "float" if scalar::float(text).is_some() => Some(Kind::Float),
        _ => None,
    };
    let kind = kind.ok_or_else(|| {
        let suffix = &core.suffix;
        LoadError::at(at, "", format!("\"{text}\" cannot be tagged !!{suffix}"))
    })?;
    Ok((Merge::Usual, kind))
}

fn merge_tag(at: &Mark, tag: Option<&Tag>) -> Result<Merge, LoadError> {
    match tag {
        None => Ok(Merge::Usual),
        Some(tag) if tag.handle == "!" && tag.suffix == "reset" => Ok(Merge::Reset),
        Some(tag) if tag.handle == "!" && tag.suffix == "override" => Ok(Merge::Override),
        Some(tag) => Err(LoadError::at(
            at,
            "",
            format!("unknown tag {tag}: there are !reset and !override"),
        )),
    }
}
