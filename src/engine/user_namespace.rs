//! Containers whose ids are not the host's.
//!
//! ```text
//!  --userns   auto ──────▶ lease: a block of ids of its own ──┐
//!             keep-id ───▶ every id as itself ────────────────┼──▶ Mapping, in the record
//!             (nothing) ─▶ RBOX_USERNS_REMAP, /etc/subuid ────┘      │
//!             host, or nothing at all: no user namespace             ▼
//!                                       Spec (lower), layers (overlay), owners (monitor)
//! ```
//!
//! The mapping is decided once, when the container is made: its files on disk
//! depend on it. What it is made from (environment, files of subordinate ids)
//! is not looked at again.

pub mod check;
pub mod in_namespace;
pub mod lease;
pub mod mapping;
pub mod mode;
pub mod pool;
pub mod remap;
pub mod subordinate;

pub use mapping::Mapping;
pub use mode::Mode;

use super::dirs::Dirs;
use super::failure::Failure;
use super::record::Record;
use super::request::HostConfig;

/// What `--userns` and the environment come to, before anything is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The host's own user namespace.
    Host,
    /// A range that no other container has, of that many ids.
    Own(u32),
    /// This mapping, whoever else has it.
    Fixed(Mapping),
}

impl Choice {
    /// Reads the mode, and what the machine says about it.
    pub fn of(host: &HostConfig) -> Result<Choice, Failure> {
        let mode = Mode::parse(&host.userns_mode).map_err(|error| Failure::new(error.0))?;
        Ok(match mode {
            Mode::Host => Choice::Host,
            Mode::Auto { size } => Choice::Own(size),
            Mode::KeepId => Choice::Fixed(Mapping::identity()?),
            Mode::Default => match remap::requested()? {
                Some(mapping) => Choice::Fixed(mapping),
                None => Choice::Host,
            },
        })
    }

    /// The mapping of a new container; a range of its own is leased for it.
    pub fn settle(self, dirs: &Dirs, id: &str) -> Result<Option<Mapping>, Failure> {
        match self {
            Choice::Host => Ok(None),
            Choice::Fixed(mapping) => Ok(Some(mapping)),
            Choice::Own(size) => {
                let blocks = pool::of_this_machine()?;
                lease::take(dirs, id, size, &blocks).map(Some)
            }
        }
    }
}

/// Whether the container's range is its own: leased, and given back when it goes.
pub fn is_leased(record: &Record) -> bool {
    record.user_namespace.is_some()
        && matches!(Mode::parse(&record.host.userns_mode), Ok(Mode::Auto { .. }))
}
