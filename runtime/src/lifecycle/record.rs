//! What a container's directory holds.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{FlockOperation, Mode, OFlags, flock, openat, renameat, unlinkat};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with};
use serde::{Deserialize, Serialize};

const STATE: &str = "state.json";
const CONFIG: &str = "config.json";
const SOCKET: &str = "start.sock";

/// `state.json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) bundle: PathBuf,
    /// Absolute.
    pub(super) rootfs: PathBuf,
    /// RFC 3339, UTC.
    pub(super) created: String,
    /// The user who made it.
    pub(super) owner: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) annotations: Option<HashMap<String, String>>,
    /// In each hierarchy, with a leading slash.
    pub(super) cgroup: String,
    pub(super) no_new_keyring: bool,
    /// 0 until it is there.
    pub(super) pid: i32,
    /// Ticks since the machine's start.
    pub(super) start_time: u64,
}

/// The open directory of a container.
#[derive(Debug)]
pub(super) struct Directory(pub(super) OwnedFd);

/// While it lives nobody else changes the container.
#[derive(Debug)]
pub(super) struct Lock<'a>(&'a Directory);

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        // Closing the directory does as much.
        let _ = flock(&self.0.0, FlockOperation::Unlock);
    }
}

impl Directory {
    /// What is known; `None` when nothing has been written yet.
    pub(super) fn read(&self) -> io::Result<Option<Record>> {
        match self.read_file(STATE) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces what is known, at once or not at all.
    pub(super) fn write(&self, record: &Record) -> io::Result<()> {
        const NEW: &str = ".state.json";
        self.write_file(NEW, &serde_json::to_vec(record)?)?;
        Ok(renameat(&self.0, NEW, &self.0, STATE)?)
    }

    /// The container's configuration.
    pub(super) fn config(&self) -> io::Result<Vec<u8>> {
        self.read_file(CONFIG)
    }

    /// Keeps the container's configuration.
    pub(super) fn write_config(&self, text: &[u8]) -> io::Result<()> {
        self.write_file(CONFIG, text)
    }

    /// Listens for the start.
    pub(super) fn listen(&self) -> io::Result<OwnedFd> {
        let socket = self.socket()?;
        rustix::net::bind(&socket, &self.address()?)?;
        rustix::net::listen(&socket, 16)?;
        Ok(socket)
    }

    /// Connects to a process that waits for its start; `None` when none does.
    pub(super) fn connect(&self) -> io::Result<Option<OwnedFd>> {
        let socket = self.socket()?;
        match rustix::net::connect(&socket, &self.address()?) {
            Ok(()) => Ok(Some(socket)),
            Err(Errno::NOENT | Errno::CONNREFUSED) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Nobody waits for a start any more.
    pub(super) fn remove_socket(&self) -> io::Result<()> {
        self.unlink(SOCKET)
    }

    /// Waits until nobody else changes the container.
    pub(super) fn lock(&self) -> io::Result<Lock<'_>> {
        loop {
            match flock(&self.0, FlockOperation::LockExclusive) {
                Err(Errno::INTR) => {}
                result => return Ok(result.map(|()| Lock(self))?),
            }
        }
    }

    /// Locks; `None` when somebody else has.
    pub(super) fn try_lock(&self) -> io::Result<Option<Lock<'_>>> {
        match flock(&self.0, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lock(self))),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether somebody changes the container now.
    pub(super) fn is_locked(&self) -> bool {
        // Opened anew: on a descriptor that holds the lock the question itself
        // would give it up.
        self.reopen().is_ok_and(|other| {
            flock(&other.0, FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK)
        })
    }

    /// The same directory, by another description, which shares no lock.
    pub(super) fn reopen(&self) -> io::Result<Directory> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Directory(openat(&self.0, ".", flags, Mode::empty())?))
    }

    /// Whether the directory has been removed meanwhile.
    pub(super) fn is_gone(&self) -> bool {
        rustix::fs::fstat(&self.0).is_ok_and(|stat| stat.st_nlink == 0)
    }

    /// Removes all files.
    pub(super) fn clear(&self) -> io::Result<()> {
        for name in [SOCKET, CONFIG, ".state.json", STATE] {
            self.unlink(name)?;
        }
        Ok(())
    }

    fn unlink(&self, name: &str) -> io::Result<()> {
        match unlinkat(&self.0, name, rustix::fs::AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn read_file(&self, name: &str) -> io::Result<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = openat(&self.0, name, flags, Mode::empty())?;
        let mut text = Vec::new();
        File::from(file).read_to_end(&mut text)?;
        Ok(text)
    }

    fn write_file(&self, name: &str, text: &[u8]) -> io::Result<()> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = openat(&self.0, name, flags, Mode::from_raw_mode(0o600))?;
        File::from(file).write_all(text)
    }

    fn socket(&self) -> io::Result<OwnedFd> {
        let kind = SocketType::SEQPACKET;
        Ok(socket_with(
            AddressFamily::UNIX,
            kind,
            SocketFlags::CLOEXEC,
            None,
        )?)
    }

    /// By the descriptor: the directory's own path may be longer than a socket's
    /// may (unix(7)).
    fn address(&self) -> io::Result<SocketAddrUnix> {
        let number = self.0.as_fd().as_raw_fd();
        Ok(SocketAddrUnix::new(format!(
            "/proc/self/fd/{number}/{SOCKET}"
        ))?)
    }
}
