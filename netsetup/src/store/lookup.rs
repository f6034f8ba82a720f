//! Finding networks.

use super::NetworkStore;
use super::predefined::PredefinedError;
use super::record::{self, RecordError};
use crate::model::natural_order::natural;
use crate::model::network::Network;

/// A network was not found.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// Neither a name, nor an id, nor the beginning of one.
    #[error("network {0} not found")]
    NotFound(String),
    /// The beginning of several ids.
    #[error("network {text} is ambiguous ({matches} matches found based on ID prefix)")]
    Ambiguous {
        /// As typed.
        text: String,
        /// How many.
        matches: usize,
    },
    /// A record cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The predefined networks cannot be made.
    #[error(transparent)]
    Predefined(#[from] PredefinedError),
}

impl LookupError {
    /// There is no such network, as opposed to one that cannot be read.
    pub fn is_not_found(&self) -> bool {
        matches!(self, LookupError::NotFound(_))
    }
}

impl NetworkStore {
    /// All networks in natural order of their names. The predefined ones are always among them.
    ///
    /// # Errors
    /// See [`LookupError`].
    pub fn list(&self) -> Result<Vec<Network>, LookupError> {
        let mut networks = self.records()?;
        let predefined = networks
            .iter()
            .filter(|network| network.is_predefined())
            .count();
        if predefined < super::predefined::NAMES.len() {
            self.make_predefined()?;
            networks = self.records()?;
        }
        networks.sort_by(|a, b| natural(&a.name, &b.name));
        Ok(networks)
    }

    /// The network of this name, else of this id, else of the only id that begins so.
    ///
    /// # Errors
    /// See [`LookupError`].
    pub fn get(&self, text: &str) -> Result<Network, LookupError> {
        if let Some(network) = self.by_name(text)? {
            return Ok(network);
        }
        if super::predefined::NAMES.contains(&text) {
            self.make_predefined()?;
            let made = self.by_name(text)?;
            return made.ok_or_else(|| LookupError::NotFound(text.to_owned()));
        }
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(LookupError::NotFound(text.to_owned()));
        }
        let mut found: Vec<Network> = self
            .list()?
            .into_iter()
            .filter(|network| network.id.starts_with(text))
            .collect();
        match (found.pop(), found.len()) {
            (Some(network), 0) => Ok(network),
            (None, _) => Err(LookupError::NotFound(text.to_owned())),
            (Some(_), others) => Err(LookupError::Ambiguous {
                text: text.to_owned(),
                matches: others + 1,
            }),
        }
    }

    /// The network of this name, if its record is there.
    pub(super) fn by_name(&self, name: &str) -> Result<Option<Network>, RecordError> {
        let network: Option<Network> = record::read_json(&self.record_of(name))?;
        Ok(network.filter(|network| network.name == name))
    }

    /// The records that are there, in no order.
    pub(super) fn records(&self) -> Result<Vec<Network>, RecordError> {
        record::read_directory(&self.state)
    }
}
