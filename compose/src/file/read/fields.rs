//! A mapping whose keys are known.

use super::super::error::LoadError;
use super::super::node::{Mapping, Mark};
use super::super::suggest;
use super::item::Item;

/// A mapping whose keys are asked for one by one; what was not asked for is unknown.
pub struct Fields<'a> {
    item: Item<'a>,
    mapping: &'a Mapping,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Nothing is asked for yet.
    pub fn new(item: Item<'a>, mapping: &'a Mapping) -> Fields<'a> {
        let known = Vec::new();
        Fields {
            item,
            mapping,
            known,
        }
    }

    /// The value of a key; none where it is not there or nothing.
    pub fn get(&mut self, key: &'static str) -> Option<Item<'a>> {
        self.known.push(key);
        let entry = self.mapping.get(key)?;
        (!entry.node.is_null()).then(|| self.item.below(key, &entry.node))
    }

    /// The value of a key as `read` takes it.
    pub fn opt<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Item<'a>) -> Result<T, LoadError>,
    ) -> Result<Option<T>, LoadError> {
        self.get(key).as_ref().map(read).transpose()
    }

    /// A text; an empty one, which is what a variable that is not set becomes, is none.
    pub fn word(&mut self, key: &'static str) -> Result<Option<String>, LoadError> {
        let text = self.opt(key, Item::text)?;
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// The value of a key as `read` takes it, or the type's default.
    pub fn or_default<T: Default>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Item<'a>) -> Result<T, LoadError>,
    ) -> Result<T, LoadError> {
        Ok(self.opt(key, read)?.unwrap_or_default())
    }

    /// A key that must be there.
    pub fn required(&mut self, key: &'static str) -> Result<Item<'a>, LoadError> {
        if let Some(item) = self.get(key) {
            return Ok(item);
        }
        // A slip of the keyboard is told as what it is.
        let slip =
            (self.mapping.iter()).find(|(written, _)| suggest::nearest(written, [key]).is_some());
        Err(match slip {
            Some((written, entry)) if &**written != key => self.unknown(written, &entry.at, [key]),
            _ => self.item.error(format!("{key} is missing")),
        })
    }

    fn unknown<'k>(
        &self,
        key: &str,
        at: &Mark,
        known: impl IntoIterator<Item = &'k str>,
    ) -> LoadError {
        let near = suggest::nearest(key, known);
        let near = near.map(|near| format!(" (did you mean {near}?)"));
        let path = match self.item.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        };
        LoadError::at(
            at,
            &path,
            format!("unknown key{}", near.unwrap_or_default()),
        )
    }

    /// That a key is known and cannot be done, if it says anything.
    pub fn refuse(&mut self, keys: &[&'static str]) -> Result<(), LoadError> {
        for key in keys {
            self.known.push(key);
            if let Some((at, path)) = self.place(key) {
                return Err(LoadError::at(&at, &path, "not supported"));
            }
        }
        Ok(())
    }

    /// Where a key stands that says anything.
    pub fn place(&self, key: &str) -> Option<(Mark, String)> {
        let entry = self.mapping.get(key)?;
        (!entry.node.is_null()).then(|| (entry.at.clone(), self.item.below(key, &entry.node).path))
    }

    /// That a key cannot be there.
    pub fn conflict(&self, key: &str, text: impl std::fmt::Display) -> LoadError {
        match self.place(key) {
            Some((at, path)) => LoadError::at(&at, &path, text),
            None => self.item.error(text),
        }
    }

    /// What is wrong with the mapping as a whole.
    pub fn error(&self, text: impl std::fmt::Display) -> LoadError {
        self.item.error(text)
    }

    /// Refuses the keys that nobody asked for, but for extensions (`x-…`).
    pub fn finish(&self) -> Result<(), LoadError> {
        let unknown = (self.mapping.iter())
            .filter(|(key, _)| !key.starts_with("x-") && !self.known.contains(&&***key))
            .min_by_key(|(_, entry)| entry.at.line);
        match unknown {
            Some((key, entry)) => Err(self.unknown(key, &entry.at, self.known.iter().copied())),
            None => Ok(()),
        }
    }
}
