//! A mapping that leaves out what is not set.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// See the module.
#[derive(Default)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// A key in any case.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    /// A key that has a value.
    pub fn some(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    /// A text that is there.
    pub fn text(&mut self, key: &str, text: &Option<String>) {
        self.some(key, text.as_deref());
    }

    /// A key that is `true`.
    pub fn flag(&mut self, key: &str, value: bool) {
        self.some(key, value.then_some(true));
    }

    /// A number that is not 0.
    pub fn number(&mut self, key: &str, value: i64) {
        self.some(key, (value != 0).then_some(value));
    }

    /// Bytes, in quotes as Docker Compose has them.
    pub fn bytes(&mut self, key: &str, value: Option<i64>) {
        self.some(key, value.map(|value| value.to_string()));
    }

    /// A list with items.
    pub fn list(&mut self, key: &str, items: impl IntoIterator<Item = impl Into<Value>>) {
        let items: Vec<Value> = items.into_iter().map(Into::into).collect();
        self.some(key, (!items.is_empty()).then_some(items));
    }

    /// Texts by name.
    pub fn texts(&mut self, key: &str, texts: &BTreeMap<String, String>) {
        self.map(
            key,
            texts.iter().map(|(name, it)| (name, it.as_str().into())),
        );
    }

    /// Texts by name, some without a value.
    pub fn pairs(&mut self, key: &str, pairs: &BTreeMap<String, Option<String>>) {
        self.map(
            key,
            pairs.iter().map(|(name, it)| (name, it.clone().into())),
        );
    }

    /// Values by name, if there are some.
    pub fn map<'a>(&mut self, key: &str, values: impl Iterator<Item = (&'a String, Value)>) {
        let values: Map<String, Value> = values.map(|(name, it)| (name.clone(), it)).collect();
        self.some(key, (!values.is_empty()).then_some(values));
    }

    /// A mapping with keys.
    pub fn part(&mut self, key: &str, part: Fields) {
        self.some(key, (!part.0.is_empty()).then_some(part.0));
    }

    /// The mapping.
    pub fn value(self) -> Value {
        Value::Object(self.0)
    }

    /// The mapping; nothing where it has no keys.
    pub fn or_null(self) -> Value {
        match self.0.is_empty() {
            true => Value::Null,
            false => self.value(),
        }
    }
}
