//! What is told about layers on their way from or to a registry.

/// Is told how a pull or push goes. Called by several threads.
pub trait Observer: Sync {
    /// A layer (first 12 digits of its digest) is in a new state. `Downloading` and
    /// `Pushing` come again as they advance, at most some ten times a second.
    fn layer(&self, id: &str, state: &Transfer);
    /// Something to print as a line, such as `latest: Pulling from library/alpine`.
    fn line(&self, text: &str);
}

/// Where a layer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transfer {
    /// `Pulling fs layer`.
    Found,
    /// `Waiting`.
    Waiting,
    /// `Downloading`; bytes, the total where the registry told it.
    Downloading {
        /// So far.
        done: u64,
        /// Of all.
        total: Option<u64>,
    },
    /// `Retrying in N seconds`.
    Retrying {
        /// How long.
        seconds: u64,
    },
    /// `Verifying Checksum`.
    Verifying,
    /// `Download complete`; unpacking, which went along, may still have to end.
    Downloaded,
    /// `Pull complete`.
    Pulled,
    /// `Already exists`.
    AlreadyExists,
    /// `Preparing`.
    Preparing,
    /// `Pushing`; bytes as the store has them, the total where it is known.
    Pushing {
        /// So far.
        done: u64,
        /// Of all.
        total: Option<u64>,
    },
    /// `Pushed`.
    Pushed,
    /// `Layer already exists`.
    ThereAlready,
    /// `Mounted from library/alpine`.
    MountedFrom(String),
}

/// For whom nothing need be told.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {
    fn layer(&self, _: &str, _: &Transfer) {}
    fn line(&self, _: &str) {}
}
