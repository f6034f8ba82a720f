//! Groups that systemd makes: a container is a scope unit in a slice.
//!
//! ```text
//! "slice:prefix:name" ─▶ Scope ─▶ StartTransientUnit(PIDs, Delegate, limits) ─▶ JobRemoved
//!                                                                                 │
//!          hierarchies that systemd does not manage: mkdir, join ◀── limits by file ◀┘
//! ```
//!
//! systemd answers on a socket of its own to root, and on the system bus to
//! all. The process has to exist already: a scope is made around it. With
//! `Delegate` systemd leaves the groups inside the scope alone.

mod create;
mod error;
mod manager;
mod properties;
mod scope;

#[cfg(test)]
mod tests;

pub use error::{SystemdError, WhyNot};
pub use rbox_dbus::BusError;
pub use scope::Scope;

pub(super) use create::{create, stop, update};

use manager::Manager;
use std::path::Path;

/// There exactly when systemd is the init (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";
/// systemd's own socket.
const PRIVATE: &str = "/run/systemd/private";
/// The system bus.
const BUS: &str = "/run/dbus/system_bus_socket";

/// Whether systemd can be asked to make groups.
///
/// # Errors
/// [`WhyNot`].
pub fn available() -> Result<(), WhyNot> {
    if !Path::new(BOOTED).is_dir() {
        Err(WhyNot::NotRunning)
    } else if !Path::new(PRIVATE).exists() && !Path::new(BUS).exists() {
        Err(WhyNot::NoSocket)
    } else {
        Ok(())
    }
}

/// The machine's systemd, by the shortest way that there is.
fn manager() -> Result<Manager, SystemdError> {
    available()?;
    let direct = rustix::process::geteuid().is_root() && Path::new(PRIVATE).exists();
    if direct && let Ok(manager) = Manager::direct(Path::new(PRIVATE)) {
        return Ok(manager);
    }
    Ok(Manager::on_bus(Path::new(BUS))?)
}
