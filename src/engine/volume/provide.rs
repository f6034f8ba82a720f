//! The volumes of a container that is being made: there, filled, and kept from being removed.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rbox_netsetup::store::directory_lock::DirectoryLock;
use rbox_runtime::rootfs::overlay::{self, Writable};

use super::{ANONYMOUS, VolumeRequest, mounted, populate, store};
use crate::engine::Engine;
use crate::engine::failure::Failure;
use crate::engine::record::Record;
use crate::engine::request::{MountKind, MountRequest};

/// Keeps volumes until the container's record names them.
#[derive(Debug, Default)]
pub struct Provided {
    locks: Vec<DirectoryLock>,
    /// Those that were not there before.
    made: Vec<String>,
}

impl Engine {
    /// Makes what is missing and fills what is empty. `layers` are the image's, lowest first, and
    /// `directory` is the container's own.
    ///
    /// # Errors
    /// What cannot be made or copied. What was made for it is removed again.
    pub fn provide_volumes(
        &self,
        record: &Record,
        layers: &[PathBuf],
        directory: &Path,
    ) -> Result<Provided, Failure> {
        let mut provided = Provided::default();
        let mounts: Vec<&MountRequest> = record
            .host
            .mounts
            .iter()
            .filter(|mount| mount.kind == MountKind::Volume)
            .collect();
        if mounts.is_empty() {
            return Ok(provided);
        }
        let done = self.provide(&mounts, layers, directory, &mut provided);
        mounted::release(&self.dirs, record, &record.id);
        match done {
            Ok(()) => Ok(provided),
            Err(failure) => {
                self.withdraw_volumes(provided);
                Err(failure)
            }
        }
    }

    /// Removes what was made for a container that came to nothing.
    pub fn withdraw_volumes(&self, provided: Provided) {
        drop(provided.locks);
        for name in provided.made {
            // In use by another by now: it stays.
            let _ = self.remove_volume(&name, true);
        }
    }

    fn provide(
        &self,
        mounts: &[&MountRequest],
        layers: &[PathBuf],
        directory: &Path,
        provided: &mut Provided,
    ) -> Result<(), Failure> {
        for mount in mounts {
            let lock = self.hold_volume(mount, &mut provided.made)?;
            provided.locks.push(lock);
        }
        // What the container will see, before anything is mounted over it.
        let image = overlay::detached(
            layers,
            &Writable::new(&directory.join("upper"), &directory.join("work")),
        )
        .map_err(|error| Failure::new(format!("mount the root filesystem: {error}")))?;
        for mount in mounts {
            let copies = !mount.volume.as_ref().is_some_and(|given| given.no_copy);
            populate::populate(&self.dirs, mount, image.as_fd(), copies)?;
        }
        Ok(())
    }

    /// The lock of the volume, which is made if it is missing.
    fn hold_volume(
        &self,
        mount: &MountRequest,
        made: &mut Vec<String>,
    ) -> Result<DirectoryLock, Failure> {
        let given = mount.volume.clone().unwrap_or_default();
        let mut request = VolumeRequest {
            name: mount.source.clone(),
            driver: given.driver,
            options: given.driver_options,
            labels: given.labels,
        };
        if given.anonymous {
            request.labels.insert(ANONYMOUS.into(), String::new());
        }
        loop {
            if let Some(lock) = store::lock_shared(&self.dirs, &request.name)? {
                return Ok(lock);
            }
            if self.make_volume(&request)? {
                made.push(request.name.clone());
            }
        }
    }
}
