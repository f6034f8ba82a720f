//! Files inside a root filesystem that somebody else filled.
//!
//! `root` is a descriptor of its top directory. Paths are taken relative to it
//! whether they start with `/` or not; symlinks, absolute ones too, and `..`
//! never lead above it (openat2 with RESOLVE_IN_ROOT, Linux 5.6).

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use rustix::fs::{
    FileType, Mode, OFlags, ResolveFlags, fstat, mkdirat, openat, openat2, readlinkat,
};
use rustix::io::Errno;

/// How often a lookup with `..` is repeated while mounts or renames elsewhere
/// on the machine make it fail with EAGAIN.
const RETRIES: usize = 1000;

/// Symlinks followed while creating a path; the kernel's own limit.
const LINKS: usize = 40;

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
        match openat2(root, path, flags | extra, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) if tries < RETRIES => tries += 1,
            result => return result,
        }
    }
}

/// What to make at the end of a path.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    Directory,
    File,
}

/// A walk that makes what is missing, one component at a time, with a
/// descriptor for each level: a rename meanwhile cannot move it outside.
struct Walk<'a> {
    root: BorrowedFd<'a>,
    levels: Vec<OwnedFd>,
    links: usize,
}

impl<'a> Walk<'a> {
    fn start(root: BorrowedFd<'a>) -> io::Result<Self> {
        Ok(Self {
            root,
            levels: Vec::new(),
            links: 0,
        })
    }

    fn make(mut self, path: &Path, mode: u32, last: Last) -> io::Result<OwnedFd> {
        let mut todo = VecDeque::new();
        self.push(path, &mut todo);
        while let Some(name) = todo.pop_front() {
            if name == ".." {
                self.levels.pop();
            } else if todo.is_empty() && last == Last::File {
                if let Some(file) = self.file(&name, mode, &mut todo)? {
                    return Ok(file);
                }
            } else if let Some(directory) = self.step(&name, mode, &mut todo)? {
                self.levels.push(directory);
            }
        }
        match self.levels.pop() {
            Some(directory) => Ok(directory),
            None => Ok(lookup(
                self.root,
                Path::new("/"),
                OFlags::PATH,
                ResolveFlags::IN_ROOT,
            )?),
        }
    }

    fn here(&self) -> BorrowedFd<'_> {
        self.levels.last().map_or(self.root, AsFd::as_fd)
    }

    /// Puts the components of `path` in front of what is still to be walked.
    fn push(&mut self, path: &Path, todo: &mut VecDeque<OsString>) {
        if path.is_absolute() {
            self.levels.clear();
        }
        for component in path.components().rev() {
            match component {
                Component::Normal(name) => todo.push_front(name.to_owned()),
                Component::ParentDir => todo.push_front("..".into()),
                Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            }
        }
    }

    /// Enters a directory, making it if it is missing. `None`: it was a
    /// symlink, and `todo` goes on with its target.
    fn step(
        &mut self,
        name: &OsStr,
        mode: u32,
        todo: &mut VecDeque<OsString>,
    ) -> io::Result<Option<OwnedFd>> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let make = |walk: &Self| match mkdirat(walk.here(), name, Mode::from_raw_mode(mode)) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(error),
        };
        // The whole path was missing, and nearly always only its end is.
        if todo.is_empty() {
            make(self)?;
        }
        loop {
            match openat(self.here(), name, flags, Mode::empty()) {
                Err(Errno::NOENT) => make(self)?,
                Err(Errno::NOTDIR | Errno::LOOP) => {
                    return self
                        .follow(name, todo)?
                        .map_or(Err(Errno::NOTDIR.into()), |()| Ok(None));
                }
                result => return Ok(Some(result?)),
            }
        }
    }

    /// Opens or makes the file at the end. `None` as for [`Self::step`].
    fn file(
        &mut self,
        name: &OsStr,
        mode: u32,
        todo: &mut VecDeque<OsString>,
    ) -> io::Result<Option<OwnedFd>> {
        let create = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::WRONLY;
        match openat(
            self.here(),
            name,
            create | OFlags::CLOEXEC,
            Mode::from_raw_mode(mode),
        ) {
            Ok(_) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        if self.follow(name, todo)?.is_some() {
            return Ok(None);
        }
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Some(openat(self.here(), name, flags, Mode::empty())?))
    }

    /// Goes on with a symlink's target; `None` when `name` is no symlink.
    fn follow(&mut self, name: &OsStr, todo: &mut VecDeque<OsString>) -> io::Result<Option<()>> {
        let target = match readlinkat(self.here(), name, Vec::new()) {
            Ok(target) => target,
            Err(Errno::INVAL) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        self.links += 1;
        if self.links > LINKS {
            return Err(Errno::LOOP.into());
        }
        self.push(Path::new(OsStr::from_bytes(target.to_bytes())), todo);
        Ok(Some(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    /// A root directory inside a directory, so that an escape is seen.
    struct Tree {
        outer: tempfile::TempDir,
        root: OwnedFd,
    }

    impl Tree {
        fn new() -> Self {
            let outer = tempfile::tempdir().unwrap();
            fs::create_dir(outer.path().join("root")).unwrap();
            let flags = OFlags::PATH | OFlags::DIRECTORY;
            let root = rustix::fs::open(outer.path().join("root"), flags, Mode::empty()).unwrap();
            Self { outer, root }
        }

        fn inside(&self, path: &str) -> PathBuf {
            self.outer.path().join("root").join(path)
        }
    }

    #[test]
    fn an_absolute_symlink_stays_inside() {
        let tree = Tree::new();
        fs::create_dir(tree.inside("etc")).unwrap();
        fs::write(tree.inside("etc/passwd"), "mine").unwrap();
        symlink("/etc/passwd", tree.inside("link")).unwrap();
        assert_eq!(read(tree.root.as_fd(), "/link", 100).unwrap(), b"mine");
        symlink("../../../../../etc/passwd", tree.inside("up")).unwrap();
        assert_eq!(read(tree.root.as_fd(), "up", 100).unwrap(), b"mine");
    }

    #[test]
    fn missing_directories_are_made_through_dangling_symlinks_inside_the_root() {
        let tree = Tree::new();
        symlink("/../../../made/by/link", tree.inside("a")).unwrap();
        mkdir_all(tree.root.as_fd(), "/a/b", 0o755).unwrap();
        assert!(tree.inside("made/by/link/b").is_dir());
        assert!(!tree.outer.path().join("made").exists());
    }

    #[test]
    fn parents_in_a_path_never_lead_above_the_root() {
        let tree = Tree::new();
        mkdir_all(tree.root.as_fd(), "../../x/../y", 0o755).unwrap();
        assert!(tree.inside("y").is_dir());
        assert!(!tree.outer.path().join("y").exists());
    }

    #[test]
    fn a_missing_file_is_made_where_its_dangling_link_points_inside() {
        let tree = Tree::new();
        fs::create_dir(tree.inside("etc")).unwrap();
        symlink(
            "/run/systemd/resolve/stub-resolv.conf",
            tree.inside("etc/resolv.conf"),
        )
        .unwrap();
        create_file(tree.root.as_fd(), "/etc/resolv.conf", 0o644).unwrap();
        assert!(
            tree.inside("run/systemd/resolve/stub-resolv.conf")
                .is_file()
        );
    }

    #[test]
    fn a_loop_of_symlinks_ends_with_an_error() {
        let tree = Tree::new();
        symlink("b", tree.inside("a")).unwrap();
        symlink("a", tree.inside("b")).unwrap();
        let error = mkdir_all(tree.root.as_fd(), "a/c", 0o755).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ELOOP));
        assert!(create_file(tree.root.as_fd(), "a", 0o644).is_err());
    }

    #[test]
    fn a_file_in_the_way_of_a_directory_is_an_error() {
        let tree = Tree::new();
        fs::write(tree.inside("f"), "").unwrap();
        let error = mkdir_all(tree.root.as_fd(), "f/x", 0o755).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOTDIR));
    }

    #[test]
    fn only_regular_files_within_the_limit_are_read() {
        let tree = Tree::new();
        fs::write(tree.inside("five"), "12345").unwrap();
        assert_eq!(read(tree.root.as_fd(), "five", 5).unwrap(), b"12345");
        let error = read(tree.root.as_fd(), "five", 4).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        rustix::fs::mknodat(&tree.root, "pipe", FileType::Fifo, 0o644.into(), 0).unwrap();
        let error = read(tree.root.as_fd(), "pipe", 4).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(read(tree.root.as_fd(), "/", 4).is_err());
    }
}
