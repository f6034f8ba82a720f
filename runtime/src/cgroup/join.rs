//! How a new process gets into a group.

use super::layout::Version;
use super::{Cgroup, control_file};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

/// Open descriptors of a group, for the process that shall join it.
#[derive(Debug)]
pub struct JoinTarget {
    unified: Option<OwnedFd>,
    tasks: Vec<(PathBuf, OwnedFd)>,
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
        let directory = one.directory(&cgroup.path);
        match one.version() {
            Version::V1 => {
                let file = directory.join(one.join_file());
                match control_file::open_for_writing(&file) {
                    Ok(fd) => target.tasks.push((file, fd)),
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

impl JoinTarget {
    /// The v2 directory, for clone3's `cgroup` with `CLONE_INTO_CGROUP`; `None`
    /// on a machine without v2.
    #[must_use]
    pub fn unified(&self) -> Option<BorrowedFd<'_>> {
        self.unified.as_ref().map(AsFd::as_fd)
    }

    /// Joins the v1 hierarchies. In the child, while it has a single thread
    /// (`tasks` moves one thread only). Allocates nothing unless it fails.
    ///
    /// # Errors
    /// [`JoinError`] for the first hierarchy that refused.
    pub fn join(&self) -> Result<(), JoinError> {
        for (file, fd) in &self.tasks {
            match rustix::io::retry_on_intr(|| rustix::io::write(fd, b"0")) {
                Ok(_) => {}
                Err(error) => return Err(failed(file, error)),
            }
        }
        Ok(())
    }
}

fn failed(file: &std::path::Path, error: Errno) -> JoinError {
    JoinError {
        file: file.to_path_buf(),
        source: error.into(),
    }
}
