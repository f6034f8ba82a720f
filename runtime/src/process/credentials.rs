//! Who the process is and what it may do.

use rustix::thread::{CapabilitySets, capabilities, set_capabilities, set_keep_capabilities};

use super::{Failure, FailureKind, Naming, sys};
use crate::security::capabilities::Sets;

/// The user, and the bounding set that has to be dropped before becoming it.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) groups: Vec<u32>,
    pub(crate) sets: Sets,
}

impl Credentials {
    /// Becomes the user. The permitted set stays as it is, for what still has
    /// to be done with it; the effective set of a user other than root is empty.
    pub(crate) fn change_user(&self) -> Result<(), Failure> {
        self.sets.drop_bounding().map_err(refused)?;
        if self.uid != 0 {
            set_keep_capabilities(true).naming(|| "keeping capabilities")?;
        }
        sys::set_groups(&self.groups).naming(|| "setgroups")?;
        sys::set_group(self.gid).naming(|| format!("setgid {}", self.gid))?;
        sys::set_user(self.uid).naming(|| format!("setuid {}", self.uid))
    }
}

/// Applies the final sets.
pub(crate) fn apply(sets: &Sets) -> Result<(), Failure> {
    sets.apply().map_err(refused)
}

/// Makes effective all that is permitted: a filter without no_new_privs takes
/// CAP_SYS_ADMIN, which the change of user took out of the effective set.
pub(crate) fn raise_permitted() -> Result<(), Failure> {
    let title = || "raising capabilities for the seccomp filter";
    let now = capabilities(None).naming(title)?;
    set_capabilities(
        None,
        CapabilitySets {
            effective: now.permitted,
            ..now
        },
    )
    .naming(title)
}

fn refused(error: crate::security::capabilities::ApplyError) -> Failure {
    Failure::new(FailureKind::Other, format!("unable to apply caps: {error}"))
}
