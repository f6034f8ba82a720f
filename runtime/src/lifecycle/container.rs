//! One container, as it is now.

use std::cell::RefCell;
use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use oci_spec::runtime::{LinuxResources, Spec};

use super::errors::{ChangeError, LoadError};
use super::identity;
use super::record::{Directory, Record};
use super::{OCI_VERSION, State, Status};
use crate::cgroup::Cgroup;

/// A container of a [`super::Root`].
#[derive(Debug)]
pub struct Container {
    pub(super) path: PathBuf,
    pub(super) directory: Directory,
    pub(super) record: Record,
    /// Whether its state was ever written.
    recorded: bool,
    /// Its first process, if that is there.
    pub(super) pidfd: Option<OwnedFd>,
    pub(super) console: Option<OwnedFd>,
    pub(super) warnings: RefCell<Vec<String>>,
}

impl Container {
    pub(super) fn new(
        path: PathBuf,
        id: &str,
        directory: Directory,
        record: Option<Record>,
    ) -> Self {
        let recorded = record.is_some();
        let mut record = record.unwrap_or_default();
        record.id = id.to_owned();
        let pidfd = identity::open(record.pid, record.start_time);
        Self {
            path,
            directory,
            record,
            recorded,
            pidfd,
            console: None,
            warnings: RefCell::default(),
        }
    }

    /// What is on disk now.
    pub(super) fn reload(&self) -> Result<Self, LoadError> {
        let read = || {
            let directory = self.directory.reopen()?;
            let record = directory.read()?;
            Ok(Self::new(self.path.clone(), self.id(), directory, record))
        };
        read().map_err(|source| LoadError::Unreadable {
            path: self.path.clone(),
            source,
        })
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.record.id
    }

    /// Its bundle's directory.
    pub fn bundle(&self) -> &Path {
        &self.record.bundle
    }

    /// The directory of its root filesystem.
    pub fn rootfs(&self) -> &Path {
        &self.record.rootfs
    }

    /// When it was made: RFC 3339, UTC.
    pub fn created(&self) -> &str {
        &self.record.created
    }

    /// The user who made it.
    pub fn owner_uid(&self) -> u32 {
        self.record.owner
    }

    /// Its configuration's annotations.
    pub fn annotations(&self) -> Option<&HashMap<String, String>> {
        self.record.annotations.as_ref()
    }

    /// Its configuration, as it was when it was made.
    ///
    /// # Errors
    /// [`LoadError::Unreadable`]
    pub fn spec(&self) -> Result<Spec, LoadError> {
        let text = self.directory.config();
        text.and_then(|text| Ok(serde_json::from_slice(&text)?))
            .map_err(|source| LoadError::Unreadable {
                path: self.path.clone(),
                source,
            })
    }

    /// Its first process, in the caller's pid namespace; 0 when it has ended.
    pub fn pid(&self) -> i32 {
        match &self.pidfd {
            Some(pidfd) if !identity::has_ended(pidfd) => self.record.pid,
            _ => 0,
        }
    }

    /// A descriptor of its first process, if that was there when it was loaded.
    pub fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(AsFd::as_fd)
    }

    /// Where it is in its life.
    pub fn status(&self) -> Status {
        if self.record.pid == 0 && self.directory.is_locked() {
            Status::Creating
        } else {
            self.settled_status()
        }
    }

    /// Its status while nobody changes it. Without a process it is what a
    /// killed `create` left.
    pub(super) fn settled_status(&self) -> Status {
        if self.pid() == 0 {
            Status::Stopped
        } else if self.is_frozen() {
            Status::Paused
        } else if matches!(self.directory.connect(), Ok(Some(_))) {
            Status::Created
        } else {
            Status::Running
        }
    }

    /// The state of the specification.
    pub fn state(&self) -> State<'_> {
        let status = self.status();
        State {
            oci_version: OCI_VERSION,
            id: self.id(),
            status,
            pid: if status == Status::Stopped {
                0
            } else {
                self.pid()
            },
            bundle: self.bundle(),
            annotations: self.annotations(),
        }
    }

    /// Its cgroup, if that is there.
    pub fn cgroup(&self) -> Option<Cgroup> {
        Cgroup::open(&self.record.cgroup).ok()
    }

    /// All its processes, in the caller's pid namespace, sorted.
    pub fn processes(&self) -> Vec<i32> {
        self.cgroup()
            .map(|cgroup| cgroup.processes())
            .unwrap_or_default()
    }

    /// The terminal's master side, once, of a container that was just created
    /// with one.
    pub fn take_console(&mut self) -> Option<OwnedFd> {
        self.console.take()
    }

    /// What went wrong without stopping an operation, once: capabilities that
    /// cannot be given, hooks of the kinds `poststart` and `poststop`.
    pub fn take_warnings(&self) -> Vec<String> {
        self.warnings.take()
    }

    /// Freezes all its processes.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn pause(&self) -> Result<(), ChangeError> {
        self.expect("pause", &[Status::Running, Status::Created])?;
        Ok(self.require_cgroup()?.freeze()?)
    }

    /// Lets them run again.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn resume(&self) -> Result<(), ChangeError> {
        self.expect("resume", &[Status::Paused])?;
        Ok(self.require_cgroup()?.thaw()?)
    }

    /// Changes the limits that `resources` names.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn update(&self, resources: &LinuxResources) -> Result<(), ChangeError> {
        let alive = [Status::Created, Status::Running, Status::Paused];
        self.expect("update", &alive)?;
        Ok(self.require_cgroup()?.update(resources)?)
    }

    pub(super) fn is_recorded(&self) -> bool {
        self.recorded
    }

    fn is_frozen(&self) -> bool {
        self.cgroup()
            .is_some_and(|cgroup| cgroup.is_frozen().unwrap_or(false))
    }

    fn expect(&self, what: &'static str, wanted: &[Status]) -> Result<(), ChangeError> {
        let status = self.status();
        if wanted.contains(&status) {
            Ok(())
        } else {
            Err(ChangeError::Status { what, status })
        }
    }

    fn require_cgroup(&self) -> Result<Cgroup, ChangeError> {
        self.cgroup()
            .ok_or_else(|| ChangeError::NoCgroup(self.record.cgroup.clone()))
    }
}
