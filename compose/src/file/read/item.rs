//! A value with its path, asked for as what it should be.

use std::collections::BTreeMap;

use super::super::error::LoadError;
use super::super::node::{Entry, Mapping, Node, Value};
use super::super::scalar::{self, Kind};
use super::super::units;
use super::fields::Fields;

/// A value and what errors call it.
#[derive(Clone)]
pub struct Item<'a> {
    /// `services.web.ports[0]`.
    pub path: String,
    /// The value.
    pub node: &'a Node,
}

impl<'a> Item<'a> {
    /// The whole of a file.
    pub fn root(node: &'a Node) -> Item<'a> {
        let path = String::new();
        Item { path, node }
    }

    /// That it is not what it should be.
    pub fn error(&self, text: impl std::fmt::Display) -> LoadError {
        LoadError::at(&self.node.at, &self.path, text)
    }

    /// A key's value below it.
    pub fn below(&self, key: &str, node: &'a Node) -> Item<'a> {
        let path = match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        };
        Item { path, node }
    }

    /// A text; numbers and truth values must be in quotes.
    pub fn text(&self) -> Result<String, LoadError> {
        match &self.node.value {
            Value::Scalar(it) if it.kind == Kind::Text => Ok(it.text.to_string()),
            Value::Scalar(it) if it.kind != Kind::Null => {
                Err(self.error(format!("must be a string: write \"{}\"", it.text)))
            }
            _ => Err(self.error("must be a string")),
        }
    }

    /// A text that is not empty.
    pub fn word(&self) -> Result<String, LoadError> {
        let text = self.text()?;
        if text.is_empty() {
            return Err(self.error("must not be empty"));
        }
        Ok(text)
    }

    /// One of some words.
    pub fn one_of(&self, words: &[&str]) -> Result<String, LoadError> {
        let text = self.text()?;
        if words.contains(&text.as_str()) {
            return Ok(text);
        }
        let words = words.join(", ");
        Err(self.error(format!("\"{text}\" is none of {words}")))
    }

    /// A value of a mapping of texts: numbers as they are written, `true` and `false` in lower
    /// case, none where nothing is.
    pub fn value(&self) -> Result<Option<String>, LoadError> {
        match &self.node.value {
            Value::Scalar(it) => Ok(match it.kind {
                Kind::Null => None,
                Kind::Bool => Some(it.text.to_ascii_lowercase()),
                _ => Some(it.text.to_string()),
            }),
            _ => Err(self.error("must be a string, number, boolean or null")),
        }
    }

    /// A text or a number.
    pub fn text_or_number(&self) -> Result<String, LoadError> {
        match &self.node.value {
            Value::Scalar(it) if matches!(it.kind, Kind::Text | Kind::Integer | Kind::Float) => {
                Ok(it.text.to_string())
            }
            _ => Err(self.error("must be a string or a number")),
        }
    }

    /// A truth value.
    pub fn boolean(&self) -> Result<bool, LoadError> {
        self.node
            .scalar()
            .and_then(scalar::boolean)
            .ok_or_else(|| self.error("must be a boolean"))
    }

    /// A whole number.
    pub fn integer(&self) -> Result<i64, LoadError> {
        self.node
            .scalar()
            .and_then(scalar::integer)
            .ok_or_else(|| self.error("must be an integer"))
    }

    /// A whole number in the range of its type.
    pub fn small<T: TryFrom<i64>>(&self) -> Result<T, LoadError> {
        T::try_from(self.integer()?).map_err(|_| self.error("is out of range"))
    }

    /// A number.
    pub fn number(&self) -> Result<f64, LoadError> {
        self.node
            .scalar()
            .and_then(scalar::float)
            .ok_or_else(|| self.error("must be a number"))
    }

    /// A size in bytes, as a number or with a unit.
    pub fn bytes(&self) -> Result<i64, LoadError> {
        let text = self.node.scalar().unwrap_or_default();
        units::bytes(text).ok_or_else(|| self.error(format!("invalid size: '{text}'")))
    }

    /// A duration, in nanoseconds.
    pub fn duration(&self) -> Result<i64, LoadError> {
        let text = self.text()?;
        units::duration(&text)
            .filter(|duration| *duration >= 0)
            .ok_or_else(|| self.error(format!("invalid duration \"{text}\"")))
    }

    /// Permissions: octal, in quotes or not.
    pub fn mode(&self) -> Result<u32, LoadError> {
        let mode = match &self.node.value {
            Value::Scalar(it) if it.kind == Kind::Integer => {
                scalar::integer(&it.text).and_then(|mode| u32::try_from(mode).ok())
            }
            Value::Scalar(it) if it.text.bytes().all(|byte| byte.is_ascii_digit()) => {
                u32::from_str_radix(&it.text, 8).ok()
            }
            _ => None,
        };
        mode.filter(|mode| *mode <= 0o7777)
            .ok_or_else(|| self.error("must be permissions, as 0440"))
    }

    /// The items of a list.
    pub fn list(&self) -> Result<Vec<Item<'a>>, LoadError> {
        let Value::Sequence(items) = &self.node.value else {
            return Err(self.error("must be a list"));
        };
        let item = |(index, node): (usize, &'a Node)| Item {
            path: format!("{}[{index}]", self.path),
            node,
        };
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// A list of texts.
    pub fn texts(&self) -> Result<Vec<String>, LoadError> {
        self.list()?.iter().map(Item::text).collect()
    }

    /// A list of texts and numbers.
    pub fn texts_or_numbers(&self) -> Result<Vec<String>, LoadError> {
        self.list()?.iter().map(Item::text_or_number).collect()
    }

    /// The values of a mapping whose keys are free.
    pub fn entries(&self) -> Result<Vec<(String, Item<'a>)>, LoadError> {
        let mapping = self.mapping("must be a mapping")?;
        let entry = |(key, Entry { node, .. }): (&std::rc::Rc<str>, &'a Entry)| {
            (key.to_string(), self.below(key, node))
        };
        Ok(mapping.iter().map(entry).collect())
    }

    /// A mapping of texts, or what a list of them became.
    pub fn pairs(&self) -> Result<BTreeMap<String, Option<String>>, LoadError> {
        self.mapping("must be a mapping or a list of NAME=value")?;
        let entries = self.entries()?.into_iter();
        entries
            .map(|(key, item)| Ok((key, item.value()?)))
            .collect()
    }

    /// The same where nothing is an empty text.
    pub fn full_pairs(&self) -> Result<BTreeMap<String, String>, LoadError> {
        let pairs = self.pairs()?.into_iter();
        Ok(pairs
            .map(|(key, value)| (key, value.unwrap_or_default()))
            .collect())
    }

    /// The mapping whose keys are known.
    pub fn fields(&self) -> Result<Fields<'a>, LoadError> {
        let mapping = self.mapping("must be a mapping")?;
        Ok(Fields::new(self.clone(), mapping))
    }

    fn mapping(&self, otherwise: &str) -> Result<&'a Mapping, LoadError> {
        self.node.as_mapping().ok_or_else(|| self.error(otherwise))
    }
}
