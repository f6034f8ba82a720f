//! Carries out the steps of a plan, journal first, and undoes them.
//!
//! ```text
//!  Step ──▶ journal (one line, before) ──▶ run ──▶ kernel, publish, ipam::lease
//!  journal, read backwards ──▶ undo: harmless when repeated or when the step never happened
//! ```

mod announce;
mod attach;
mod context;
mod error;
mod flows;
mod journal;
mod macvlan;
mod mend;
mod orphan;
pub mod publish;
pub mod reconcile;
mod run;

pub use announce::announce;
pub use attach::{AttachError, AttachRequest, DetachRequest, attach, detach};
pub use context::Context;
pub use error::ApplyError;
pub use flows::forget_flows;
pub use journal::Journal;
pub use macvlan::{ensure_parent, inherited_mac, remove_parent};
pub use mend::{Mended, mend};
pub use orphan::undo_owner;
pub use run::{apply, undo, undo_all, undo_steps};
