//! What can go wrong between us and systemd.

use rbox_dbus::BusError;

/// Why systemd cannot be asked to make a cgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WhyNot {
    /// Something else is the init of this machine.
    #[error("systemd cgroups are not available: systemd is not running (no /run/systemd/system)")]
    NotRunning,
    /// It runs, but its sockets are not in this mount namespace.
    #[error(
        "systemd cgroups are not available: there is neither {} nor {}",
        super::PRIVATE,
        super::BUS
    )]
    NoSocket,
}

/// Why systemd did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum SystemdError {
    /// It is not there.
    #[error(transparent)]
    Unavailable(#[from] WhyNot),
    /// Not a path for systemd.
    #[error("invalid cgroupsPath {path:?} for systemd: {why}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The conversation failed.
    #[error("cannot talk to systemd: {0}")]
    Bus(#[from] BusError),
    /// The unit was not started or stopped.
    #[error("systemd did not {what} {unit}: the job's result is {result:?}")]
    Job {
        /// Start or stop.
        what: &'static str,
        /// The unit.
        unit: String,
        /// systemd's word for it: `failed`, `canceled`, `timeout`, …
        result: String,
    },
    /// The process is not where it was to be.
    #[error("systemd started {unit}, but process {pid} is not in it")]
    Elsewhere {
        /// The unit.
        unit: String,
        /// The process.
        pid: i32,
    },
}
