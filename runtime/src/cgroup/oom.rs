//! Being told that a group is out of memory.
//!
//! v1 counts into an eventfd that is registered with the group. v2 announces
//! every change of `memory.events` by inotify; the count is in the file.

use super::hierarchy::Controller;
use super::layout::Version;
use super::{Cgroup, control_file};
use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Tells when a group runs out of memory: poll its descriptor ([`AsFd`]) for
/// reading, then call [`OomWatch::take`].
#[derive(Debug)]
pub struct OomWatch {
    fd: OwnedFd,
    directory: PathBuf,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// An eventfd.
    V1,
    /// An inotify instance, and the kills that were already told.
    V2 { told: u64 },
}

/// Why a group cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum OomError {
    /// Nothing counts its memory.
    #[error("cgroup {0} has no memory controller")]
    NoMemory(String),
    /// The group is gone, or the system has no room for another watch.
    #[error("cannot watch {}: {source}", file.display())]
    Watch {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The count could not be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// [`Cgroup::oom_watch`].
pub(super) fn watch(cgroup: &Cgroup) -> Result<OomWatch, OomError> {
    let home = cgroup.layout.home(Controller::Memory);
    let home = home.ok_or_else(|| OomError::NoMemory(cgroup.path().to_owned()))?;
    let directory = home.directory(&cgroup.path);
    let (fd, source) = match home.version() {
        Version::V1 => (event_descriptor(&directory)?, Source::V1),
        Version::V2 => {
            let fd = inotify_descriptor(&directory)?;
            let told = kills(&directory)?.ok_or_else(|| OomError::Watch {
                file: directory.join("memory.events"),
                source: Errno::NOENT.into(),
            })?;
            (fd, Source::V2 { told })
        }
    };
    Ok(OomWatch {
        fd,
        directory,
        source,
    })
}

impl OomWatch {
    /// How often the group ran out of memory since the last call, or since the
    /// watch began; 0 when the descriptor had something else to say. On v2 these
    /// are the processes killed; on v1 one event may kill none (with
    /// `disableOOMKiller`). `None` when the group is gone: nothing will follow.
    ///
    /// Never waits.
    ///
    /// # Errors
    /// [`OomError::Read`].
    pub fn take(&mut self) -> Result<Option<u64>, OomError> {
        match &mut self.source {
            Source::V1 => {
                let mut count = [0; 8];
                let read = match rustix::io::read(&self.fd, &mut count) {
                    Ok(_) => u64::from_ne_bytes(count),
                    Err(Errno::AGAIN) => 0,
                    Err(error) => return Err(read_error(&self.directory, error.into())),
                };
                // The removal of the group counts as an event, too.
                let there = self.directory.join("memory.oom_control").exists();
                Ok(there.then_some(read))
            }
            Source::V2 { told } => {
                drain(&self.fd).map_err(|error| read_error(&self.directory, error))?;
                let Some(kills) = kills(&self.directory)? else {
                    return Ok(None);
                };
                let new = kills.saturating_sub(*told);
                *told = kills;
                Ok(Some(new))
            }
        }
    }
}

impl AsFd for OomWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// An eventfd that the kernel adds 1 to for each OOM in the group.
fn event_descriptor(directory: &Path) -> Result<OwnedFd, OomError> {
    let failed = |file: &str| {
        let file = directory.join(file);
        move |source: io::Error| OomError::Watch { file, source }
    };
    let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
        .map_err(|error| failed("memory.oom_control")(error.into()))?;
    let control = std::fs::File::open(directory.join("memory.oom_control"))
        .map_err(failed("memory.oom_control"))?;
    let registration = format!("{} {}", event.as_raw_fd(), control.as_raw_fd());
    control_file::write(&directory.join("cgroup.event_control"), &registration)
        .map_err(failed("cgroup.event_control"))?;
    Ok(event)
}

/// Watches the kills, and whether anybody is left to be killed.
fn inotify_descriptor(directory: &Path) -> Result<OwnedFd, OomError> {
    let failed = |file: &Path| {
        let file = file.to_path_buf();
        move |error: Errno| OomError::Watch {
            file,
            source: error.into(),
        }
    };
    let fd =
        inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(failed(directory))?;
    // The kernel says nothing when a group is removed; before that it is empty.
    for name in ["memory.events", "cgroup.events"] {
        let file = directory.join(name);
        inotify::add_watch(&fd, &file, WatchFlags::MODIFY).map_err(failed(&file))?;
    }
    Ok(fd)
}

/// Takes what is queued: what changed is in the file.
fn drain(fd: &OwnedFd) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match rustix::io::read(fd, &mut buffer) {
            Ok(0) | Err(Errno::AGAIN) => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The processes that the kernel killed; `None` when the group is gone.
fn kills(directory: &Path) -> Result<Option<u64>, OomError> {
    match control_file::read(&directory.join("memory.events")) {
        Ok(text) => Ok(Some(
            control_file::number_of(&text, "oom_kill").unwrap_or(0),
        )),
        Err(error) if control_file::vanished(&error) => Ok(None),
        Err(error) => Err(read_error(directory, error)),
    }
}

fn read_error(directory: &Path, source: io::Error) -> OomError {
    OomError::Read {
        file: directory.to_path_buf(),
        source,
    }
}
