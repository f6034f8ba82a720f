//! A compiled filter and its installation.

use crate::process::sys_security::{
    SECCOMP_NEW_LISTENER, SockFilter, seccomp_action_is_known, seccomp_filter,
    seccomp_flags_are_known,
};
use crate::spec::ValidateError;
use std::io;
use std::os::fd::OwnedFd;

/// `SECCOMP_FILTER_FLAG_TSYNC`.
pub(super) const TSYNC: u32 = 1;
/// `SECCOMP_FILTER_FLAG_LOG`.
pub(super) const LOG: u32 = 1 << 1;
/// `SECCOMP_FILTER_FLAG_SPEC_ALLOW`.
pub(super) const SPEC_ALLOW: u32 = 1 << 2;
/// `SECCOMP_FILTER_FLAG_TSYNC_ESRCH`: lets TSYNC and a listener go together.
pub(super) const TSYNC_ESRCH: u32 = 1 << 4;
/// `SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV`.
pub(super) const WAIT_KILLABLE: u32 = 1 << 5;

const EINVAL: i32 = 22;

/// A compiled filter: make it before the child exists, install it in the child.
#[derive(Debug, Clone)]
pub struct Program {
    pub(super) instructions: Vec<SockFilter>,
    pub(super) flags: u32,
    /// Flags that the profile did not ask for, and that may be dropped.
    pub(super) optional: u32,
    /// `SECCOMP_RET_*`, each once.
    pub(super) actions: Vec<u32>,
    pub(super) unknown: Vec<String>,
}

/// The kernel refused the filter.
#[derive(Debug, thiserror::Error)]
#[error("cannot install the seccomp filter of {instructions} instructions: {source}")]
pub struct InstallError {
    /// How long the filter is.
    pub instructions: usize,
    /// The kernel's error; `EACCES` when neither CAP_SYS_ADMIN is held nor
    /// no_new_privs set.
    pub source: io::Error,
}

/// Actions that came later than filters themselves.
const LATE_ACTIONS: [(u32, &str); 3] = [
    (0x8000_0000, "SCMP_ACT_KILL_PROCESS"),
    (0x7fc0_0000, "SCMP_ACT_NOTIFY"),
    (0x7ffc_0000, "SCMP_ACT_LOG"),
];
const FLAG_NAMES: [(u32, &str); 4] = [
    (TSYNC, "SECCOMP_FILTER_FLAG_TSYNC"),
    (LOG, "SECCOMP_FILTER_FLAG_LOG"),
    (SPEC_ALLOW, "SECCOMP_FILTER_FLAG_SPEC_ALLOW"),
    (WAIT_KILLABLE, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"),
];

impl Program {
    /// Checks that the running kernel knows all of the profile's actions and
    /// flags: it would kill for an action that it does not know.
    ///
    /// # Errors
    /// [`ValidateError::KernelLacks`] with the first that it does not know.
    pub fn check_kernel(&self) -> Result<(), ValidateError> {
        let lacks = |word: &str| {
            Err(ValidateError::KernelLacks {
                field: format!("linux.seccomp: {word}"),
                what: "a seccomp(2) with it",
            })
        };
        for (action, word) in LATE_ACTIONS {
            if self.actions.contains(&action) && !seccomp_action_is_known(action) {
                return lacks(word);
            }
        }
        if self.flags == 0 || seccomp_flags_are_known(self.flags) {
            return Ok(());
        }
        // With the others, for one of them demands another.
        let unknown = FLAG_NAMES.iter().find(|(flag, _)| {
            self.flags & flag != 0 && seccomp_flags_are_known(self.flags & !flag)
        });
        lacks(unknown.map_or("its flags", |(_, word)| word))
    }

    /// Installs the filter on the calling thread, for good. Needs CAP_SYS_ADMIN
    /// or no_new_privs; allocates nothing. The descriptor is there when the
    /// profile notifies (`SCMP_ACT_NOTIFY`): whoever is at its `listenerPath`
    /// must get it before the process goes on.
    ///
    /// # Errors
    /// [`InstallError`] with the kernel's error.
    pub fn install(&self) -> Result<Option<OwnedFd>, InstallError> {
        let refused = |source| InstallError {
            instructions: self.instructions.len(),
            source,
        };
        match seccomp_filter(&self.instructions, self.flags | self.optional) {
            // An older kernel that does not know the flag that nobody asked for.
            Err(error) if error.raw_os_error() == Some(EINVAL) && self.optional != 0 => {
                seccomp_filter(&self.instructions, self.flags).map_err(refused)
            }
            result => result.map_err(refused),
        }
    }

    /// How many instructions it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.instructions.len()
    }

    /// Whether it has none (it never does).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.instructions.is_empty()
    }

    /// Whether [`Program::install`] returns a notification descriptor.
    #[must_use]
    pub fn notifies(&self) -> bool {
        self.flags & SECCOMP_NEW_LISTENER != 0
    }

    /// Names in the profile that no architecture of this program has: newer
    /// than this table, of another architecture, or misspelt.
    #[must_use]
    pub fn unknown_names(&self) -> &[String] {
        &self.unknown
    }
}
