//! D-Bus as far as a container runtime needs it: it asks systemd for cgroups and firewalld for
//! a place in a zone (D-Bus Specification 0.42).
//!
//! ```text
//! Call, Writer ─encode─▶ Connection ──▶ socket of the service itself, or of a bus
//! Received     ◀─decode─     └ answers by serial number; signals wait until they are asked for
//! ```
//!
//! One call at a time, blocking, never longer than the patience that the connection was opened
//! with: whoever starts a container does not wait for a service that hangs.

mod connection;
mod error;
pub mod message;

pub use connection::Connection;
pub use error::BusError;
pub use message::{Call, Received, Writer};
