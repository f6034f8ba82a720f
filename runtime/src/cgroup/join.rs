//! How a new process gets into a group.

use super::layout::Version;
use super::{Cgroup, control_file};
use rustix::fs::{Mode, OFlags, open};
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// Open descriptors of a group, for the process that shall join it.
#[derive(Debug)]
pub struct JoinTarget {
    /// The v2 directory, for clone3's `cgroup` with `CLONE_INTO_CGROUP`; `None`
    /// on a machine without v2.
    pub unified: Option<OwnedFd>,
    /// The `tasks` file of each v1 hierarchy. The child writes `0` to every one,
    /// while it has a single thread (only the writing thread moves).
    pub tasks: Vec<OwnedFd>,
}

/// A group could not be joined.
#[derive(Debug, thiserror::Error)]
#[error("cannot join cgroup by {}: {source}", file.display())]
pub struct JoinError {
    /// The directory or `tasks` file.
    pub file: PathBuf,
    /// The system's error.
    pub source: io::Error,
}

/// [`Cgroup::join_target`].
pub(super) fn target(cgroup: &Cgroup) -> Result<JoinTarget, JoinError> {
    let mut target = JoinTarget {
        unified: None,
        tasks: Vec::new(),
    };
    for one in cgroup.members() {
        let path = match &cgroup.within {
            Some(within) => within.joined(&cgroup.path, one),
            None => &cgroup.path,
        };
        let directory = one.directory(path);
        match one.version() {
            Version::V1 => {
                let file = directory.join(one.join_file());
                match control_file::open_for_writing(&file) {
                    Ok(fd) => target.tasks.push(fd),
                    Err(source) => return Err(JoinError { file, source }),
                }
            }
            Version::V2 => {
                let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
                match open(&directory, flags, Mode::empty()) {
                    Ok(fd) => target.unified = Some(fd),
                    Err(error) => {
                        return Err(JoinError {
                            file: directory,
                            source: error.into(),
                        });
                    }
                }
            }
        }
    }
    Ok(target)
}
