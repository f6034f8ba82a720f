//! The files: each is linked into place complete, replaced by rename, and removed by its owner.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::{BeforeLease, Lease, LeaseError, LeaseRequest};

/// Gives a lease back, if it is (still) the owner's. Harmless when repeated.
///
/// # Errors
/// The file cannot be read or removed.
pub fn release(path: &Path, owner: &str) -> io::Result<()> {
    let Some(directory) = path.parent() else {
        return Ok(());
    };
    let lock = match lock(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    match fs::read_to_string(path) {
        Ok(holder) if holder.trim_end() == owner => fs::remove_file(path)?,
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    drop(lock);
    Ok(())
}

/// The leases of an owner on the network with this run directory.
pub fn held(run_dir: &Path, owner: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(run_dir.join(super::DIRECTORY))
        .into_iter()
        .flatten()
        .flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| holder(path).is_ok_and(|holder| holder.as_deref() == Some(owner)))
        .collect()
}

/// Removes the drafts of an owner that died while it leased.
pub fn sweep_drafts(directory: &Path, owner: &str) {
    let prefix = draft_prefix(owner);
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn draft_prefix(owner: &str) -> String {
    format!(".{}-", owner.get(..12).unwrap_or(owner))
}

fn lock(directory: &Path) -> io::Result<fs::File> {
    let file = fs::File::open(directory)?;
    flock(&file, FlockOperation::LockExclusive)?;
    Ok(file)
}

/// Where addresses are asked for, one after the other.
pub(super) struct Desk<'a, 'b> {
    request: &'a LeaseRequest<'a>,
    directory: &'a Path,
    /// A file with our id in it, ready to be linked to an address: so a lease appears complete.
    draft: Option<Draft>,
    before: BeforeLease<'b>,
}

/// Removes its file when dropped.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl<'a, 'b> Desk<'a, 'b> {
    pub(super) fn new(
        request: &'a LeaseRequest<'a>,
        directory: &'a Path,
        before: BeforeLease<'b>,
    ) -> Desk<'a, 'b> {
        Desk {
            request,
            directory,
            draft: None,
            before,
        }
    }
}

impl Desk<'_, '_> {
    pub(super) fn lease(&self, address: IpAddr) -> Lease {
        Lease {
            path: self.directory.join(address.to_string()),
            address,
        }
    }

    /// True when the address is ours now; false when it is somebody else's.
    pub(super) fn take(&mut self, address: IpAddr, take_over: bool) -> Result<bool, LeaseError> {
        self.try_take(address, take_over)
            .map_err(|source| LeaseError::File {
                address,
                network: self.request.network.name.clone(),
                source,
            })
    }

    fn try_take(&mut self, address: IpAddr, take_over: bool) -> io::Result<bool> {
        let path = self.directory.join(address.to_string());
        loop {
            match fs::symlink_metadata(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    (self.before)(&path)?;
                    if self.link(&path)? {
                        return Ok(true);
                    }
                }
                Err(error) => return Err(error),
                Ok(_) => {}
            }
            match holder(&path)? {
                Some(holder) if holder == self.request.owner => return self.keep(&path),
                Some(holder) if take_over && !(self.request.is_alive)(&holder) => {
                    if self.replace(&path, &holder)? {
                        return Ok(true);
                    }
                    if path.exists() {
                        return Ok(false);
                    }
                    // Its holder gave it back while it was asked after: it is free.
                }
                Some(_) => return Ok(false),
                // Given back this moment. There are others, if not this one is wanted.
                None if !take_over => return Ok(false),
                None => {}
            }
        }
    }

    /// Our own lease of an earlier life, unless somebody has taken it over as a dead one's.
    fn keep(&mut self, path: &Path) -> io::Result<bool> {
        let _lock = lock(self.directory)?;
        if holder(path)?.as_deref() != Some(self.request.owner) {
            return Ok(false);
        }
        (self.before)(path)?;
        Ok(true)
    }

    /// Makes the lease; false when there is one.
    fn link(&mut self, path: &Path) -> io::Result<bool> {
        // Twice: the run directory may be missing, or vanish with its network this moment.
        for _ in 0..2 {
            let linked = match self.draft()? {
                Some(draft) => fs::hard_link(draft, path),
                None => Err(io::ErrorKind::NotFound.into()),
            };
            match linked {
                Ok(()) => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.draft = None;
                    fs::create_dir_all(self.directory)?;
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::from(Errno::NOENT))
    }

    /// Path of our draft; `None` when the directory is missing.
    fn draft(&mut self) -> io::Result<Option<&Path>> {
        if self.draft.is_none() {
            let owner = self.request.owner;
            let thread = rustix::thread::gettid().as_raw_nonzero();
            let name = format!("{}{thread}", draft_prefix(owner));
            let draft = Draft(self.directory.join(name));
            match fs::write(&draft.0, owner) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                other => other?,
            }
            self.draft = Some(draft);
        }
        Ok(self.draft.as_ref().map(|draft| draft.0.as_path()))
    }

    /// Replaces the lease of a dead owner. Under the lock only one does so, and the rename
    /// leaves no moment in which the address is free. The owner is asked after once more,
    /// for it may have been started again; then it keeps its lease under the same lock.
    fn replace(&mut self, path: &Path, dead: &str) -> io::Result<bool> {
        let _lock = lock(self.directory)?;
        if holder(path)?.as_deref() != Some(dead) || (self.request.is_alive)(dead) {
            return Ok(false);
        }
        (self.before)(path)?;
        let Some(draft) = self.draft()?.map(Path::to_owned) else {
            return Ok(false);
        };
        fs::rename(draft, path)?;
        self.draft = None;
        Ok(true)
    }
}

/// Full id of the owner; `None` when the lease is gone.
fn holder(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim_end().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
