//! What happened, for `events` to tell: one line of JSON each in a file that every
//! command and every monitor appends to. Nobody has to run for it. What they are called and what
//! they carry is Docker's (docs.docker.com/reference/cli/docker/system/events).
//!
//! ```text
//! commands, monitors ──append──▶ <run root>/events ◀──inotify── `events`, `compose events`
//! ```

pub mod follow;
pub mod log;
pub mod message;
pub mod selection;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use rbox_netsetup::model::network::Network;

use super::clock;
use super::dirs::Dirs;
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

    /// To a network.
    pub fn network(action: &str, network: &Network) -> Event {
        Event::new(Kind::Network, action, &network.id)
            .with("name", &network.name)
            .with("type", network.driver.name())
    }

    /// To a network, by a container that comes or goes.
    pub fn attachment(action: &str, network: &Network, container: &str) -> Event {
        Event::network(action, network).with("container", container)
    }

    /// To an image: `id` is its own or a name, `name` what it was called by.
    pub fn image(action: &str, id: &str, name: &str) -> Event {
        Event::new(Kind::Image, action, id).with("name", name)
    }

    /// To all of a kind that nobody used: so many bytes are free.
    pub fn prune(kind: Kind, reclaimed: u64) -> Event {
        Event::new(kind, "prune", "").with("reclaimed", reclaimed.to_string())
    }

    /// With one attribute more.
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Event {
        self.attributes.insert(key.to_owned(), value.into());
        self
    }
}

/// Writes down what happened to a container, with attributes beside its own. The steps of builds
/// are containers that nobody else knows of.
pub fn of_container(dirs: &Dirs, action: &str, record: &Record, attributes: &[(&str, &str)]) {
    if record.build.is_some() {
        return;
    }
    let event = Event::container(action, record);
    let event = attributes
        .iter()
        .fold(event, |event, (key, value)| event.with(key, *value));
    log::append(&dirs.run_root, &event);
}
