//! What happened, for `events` to tell: one line of JSON each in a file that every
//! command and every monitor appends to. Nobody has to run for it.
//!
//! ```text
//! commands, monitors ──append──▶ <run root>/events ◀──inotify── `events`, `compose events`
//! ```

pub mod log;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::clock;
use super::record::Record;

/// What it happened to; Docker's `Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A build cache record.
    Builder,
    /// A container.
    Container,
    /// An image.
    Image,
    /// A network.
    Network,
    /// A volume.
    Volume,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// To what kind of thing.
    pub kind: Kind,
    /// What: `start`, `die`, `exec_create: ls`, …
    pub action: String,
    /// Whom: the full id, an image's reference or digest, a volume's name.
    pub id: String,
    /// What else Docker says of it: name, image, labels, exit code, …
    pub attributes: BTreeMap<String, String>,
    /// Nanoseconds since the epoch.
    pub time: i64,
}

impl Event {
    /// Something that happened now.
    pub fn new(kind: Kind, action: impl Into<String>, id: impl Into<String>) -> Event {
        Event {
            kind,
            action: action.into(),
            id: id.into(),
            attributes: BTreeMap::new(),
            time: clock::unix_nanos(),
        }
    }

    /// To a container: with its labels, image and name, as Docker has them.
    pub fn container(action: impl Into<String>, record: &Record) -> Event {
        let mut event = Event::new(Kind::Container, action, &record.id);
        event.attributes.clone_from(&record.config.labels);
        event
            .with("image", &record.config.image)
            .with("name", &record.name)
    }

    /// With one attribute more.
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Event {
        self.attributes.insert(key.to_owned(), value.into());
        self
    }
}
