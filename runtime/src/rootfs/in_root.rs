//! Files inside a root filesystem that somebody else filled.
//!
//! `root` is a descriptor of its top directory. Paths are taken relative to it
//! whether they start with `/` or not; symlinks, absolute ones too, and `..`
//! never lead above it (openat2 with RESOLVE_IN_ROOT, Linux 5.6).

mod walk;

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat2};
use rustix::io::Errno;

use walk::{Last, Walk};

/// How often a lookup with `..` is repeated while mounts or renames elsewhere
/// on the machine make it fail with EAGAIN.
const RETRIES: usize = 1000;

/// Opens a file. `O_CLOEXEC` and `O_NOCTTY` are added.
///
/// # Errors
/// As openat2: ENOENT, ELOOP, EACCES, …
pub fn open(root: BorrowedFd<'_>, path: impl AsRef<Path>, flags: OFlags) -> io::Result<OwnedFd> {
    Ok(lookup(root, path.as_ref(), flags, ResolveFlags::IN_ROOT)?)
}

/// Opens the file itself for use as a location (O_PATH).
///
/// # Errors
/// As [`open`].
pub fn locate(root: BorrowedFd<'_>, path: impl AsRef<Path>) -> io::Result<OwnedFd> {
    open(root, path, OFlags::PATH)
}

/// The whole content of a regular file of at most `limit` bytes.
///
/// # Errors
/// As [`open`]; `InvalidInput` for anything but a regular file, which is never
/// opened: opening a device or a pipe can block or act. `FileTooLarge` above
/// the limit.
pub fn read(root: BorrowedFd<'_>, path: impl AsRef<Path>, limit: usize) -> io::Result<Vec<u8>> {
    let place = locate(root, path)?;
    let stat = fstat(&place)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ));
    }
    let file = rustix::fs::open(
        format!("/proc/thread-self/fd/{}", place.as_raw_fd()),
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let expected = usize::try_from(stat.st_size).unwrap_or(limit).min(limit);
    let mut content = Vec::with_capacity(expected + 1);
    File::from(file)
        .take(limit as u64 + 1)
        .read_to_end(&mut content)?;
    if content.len() > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(content)
}

/// The directory at `path`, made with all its parents (mode as the umask
/// leaves of `mode`) where it is missing. Dangling symlinks are followed and
/// their targets made, inside the root.
///
/// # Errors
/// As mkdirat and openat2; ENOTDIR when something else is in the way.
pub fn mkdir_all(root: BorrowedFd<'_>, path: impl AsRef<Path>, mode: u32) -> io::Result<OwnedFd> {
    Ok(directory(root, path.as_ref(), mode)?.0)
}

/// As [`mkdir_all`]; also tells whether the directory was there already.
pub(crate) fn directory(
    root: BorrowedFd<'_>,
    path: &Path,
    mode: u32,
) -> io::Result<(OwnedFd, bool)> {
    match lookup(
        root,
        path,
        OFlags::PATH | OFlags::DIRECTORY,
        ResolveFlags::IN_ROOT,
    ) {
        Ok(directory) => Ok((directory, true)),
        Err(Errno::NOENT) => Ok((Walk::start(root)?.make(path, mode, Last::Directory)?, false)),
        Err(error) => Err(error.into()),
    }
}

/// The file at `path`, whatever its type, or a new empty regular one, with all
/// its parents made (mode 755).
///
/// # Errors
/// As [`mkdir_all`].
pub fn create_file(root: BorrowedFd<'_>, path: impl AsRef<Path>, mode: u32) -> io::Result<OwnedFd> {
    let path = path.as_ref();
    match lookup(root, path, OFlags::PATH, ResolveFlags::IN_ROOT) {
        Err(Errno::NOENT) => Walk::start(root)?.make(path, mode, Last::File),
        result => Ok(result?),
    }
}

/// openat2, repeated while unrelated changes disturb it.
pub(crate) fn lookup(
    root: BorrowedFd<'_>,
    path: &Path,
    flags: OFlags,
    resolve: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    // An O_PATH lookup takes no other flags.
    let extra = if flags.contains(OFlags::PATH) {
        OFlags::CLOEXEC
    } else {
        OFlags::CLOEXEC | OFlags::NOCTTY
    };
    let path = if path.as_os_str().is_empty() {
        Path::new("/")
    } else {
        path
    };
    let mut tries = 0;
    loop {
        // IN_ROOT implies it today, and does not promise to.
        let resolve = resolve | ResolveFlags::NO_MAGICLINKS;
        match openat2(root, path, flags | extra, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) if tries < RETRIES => tries += 1,
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests;
