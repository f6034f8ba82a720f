//! The directory that holds all containers.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use super::container::Container;
use super::errors::{ListError, LoadError};
use super::record::Directory;

/// Where the containers of one caller are.
#[derive(Clone, Debug)]
pub struct Root {
    path: PathBuf,
}

impl Root {
    /// The directory `path`, which need not exist.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// The container `id`.
    ///
    /// # Errors
    /// [`LoadError`]
    pub fn load(&self, id: &str) -> Result<Container, LoadError> {
        check_id(id)?;
        let directory = match self.open(id) {
            Ok(directory) => directory,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(LoadError::NotFound);
            }
            Err(source) => return Err(self.unreadable(id, source)),
        };
        let record = directory
            .read()
            .map_err(|source| self.unreadable(id, source))?;
        Ok(Container::new(self.directory(id), id, directory, record))
    }

    /// All containers, sorted by id; those that vanish meanwhile are left out.
    ///
    /// # Errors
    /// [`ListError`]
    pub fn list(&self) -> Result<Vec<Container>, ListError> {
        let wrap = |source| ListError {
            path: self.path.clone(),
            source,
        };
        let entries = match std::fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(wrap(error)),
        };
        let mut all = Vec::new();
        for entry in entries {
            let entry = entry.map_err(wrap)?;
            let Ok(id) = entry.file_name().into_string() else {
                continue;
            };
            match self.load(&id) {
                Ok(container) if container.is_recorded() => all.push(container),
                _ => {}
            }
        }
        all.sort_by(|a, b| a.id().cmp(b.id()));
        Ok(all)
    }

    /// A new container's directory. `None` when there is one already.
    pub(super) fn make(&self, id: &str) -> io::Result<Option<Directory>> {
        // Whoever reaches the socket inside can start the container.
        let mode = Mode::from_raw_mode(0o700);
        let path = self.directory(id);
        let made = match rustix::fs::mkdir(&path, mode) {
            Err(Errno::NOENT) => {
                std::fs::DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(&self.path)?;
                rustix::fs::mkdir(&path, mode)
            }
            result => result,
        };
        match made {
            Ok(()) => {}
            Err(Errno::EXIST) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        self.open(id).map(Some)
    }

    pub(super) fn directory(&self, id: &str) -> PathBuf {
        self.path.join(id)
    }

    fn open(&self, id: &str) -> io::Result<Directory> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        Ok(Directory(openat(
            CWD,
            self.directory(id),
            flags,
            Mode::empty(),
        )?))
    }

    fn unreadable(&self, id: &str, source: io::Error) -> LoadError {
        LoadError::Unreadable {
            path: self.directory(id),
            source,
        }
    }
}

/// Letters, digits, `_`, `+`, `-`, `.`, and neither `.` nor `..`.
pub(super) fn check_id(id: &str) -> Result<(), LoadError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+-.".contains(&byte);
    if id.is_empty() || id.len() > 255 || matches!(id, "." | "..") || !id.bytes().all(allowed) {
        return Err(LoadError::InvalidId);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_plain_file_name() {
        for good in ["a", "web_1", "a+b-c.d", "..."] {
            assert!(check_id(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "../a", "a b", "a\n", "é"] {
            assert!(check_id(bad).is_err(), "{bad:?}");
        }
    }
}
