//! A cgroup that is made while the rest of its container is planned: cgroup v1 has a hierarchy for
//! each controller, and a directory to be made in each of them.

use std::thread::{self, JoinHandle};

use oci_spec::runtime::LinuxResources;

use super::group::with_standard_devices;
use crate::cgroup::{Cgroup, CgroupError};

/// A cgroup that a thread is making. Dropped, nothing is left of it.
#[derive(Debug)]
pub struct EarlyCgroup {
    /// `None` once it was taken.
    making: Option<JoinHandle<Result<Cgroup, CgroupError>>>,
}

impl EarlyCgroup {
    /// Begins to make the cgroup of that name with the limits of `resources`, which are to be those of
    /// the container's configuration. `None` where there is no thread to be had: the container's
    /// `create` makes it then.
    pub fn begin(path: &str, resources: LinuxResources) -> Option<Self> {
        let path = path.to_owned();
        let make = move || Cgroup::create(&path, &with_standard_devices(resources));
        let thread = thread::Builder::new().spawn(make).ok()?;
        Some(Self {
            making: Some(thread),
        })
    }

    /// Waits for it. No thread of it is left, so that the process may be cloned. `None` where it
    /// went away without a word.
    pub(super) fn made(mut self) -> Option<Result<Cgroup, CgroupError>> {
        self.join()
    }

    fn join(&mut self) -> Option<Result<Cgroup, CgroupError>> {
        self.making.take()?.join().ok()
    }
}

impl Drop for EarlyCgroup {
    fn drop(&mut self) {
        if let Some(Ok(cgroup)) = self.join() {
            // Whoever drops it has an error to tell already.
            let _ = cgroup.delete();
        }
    }
}
