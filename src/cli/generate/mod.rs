//! Commands that write what belongs to an installation.

pub mod man;
pub mod systemd;
