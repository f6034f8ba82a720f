//! Every file of a tree in one order, while somebody may be changing the tree.
//!
//! Each file is first opened as a mere place (`O_PATH`), so what it was found to be it stays:
//! nothing put in its place later is opened, no fifo waits and no device is woken. Directories are
//! entered without following links and, unless it was asked for, without leaving the filesystem. Memory holds the names of
//! the directories on the way down; descriptors of the upper ones only, the others are opened anew.

use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, RawDir, ResolveFlags, Stat};
use rustix::io::Errno;

/// Longest name of a file inside the tree, which is also the longest that is unpacked.
const LONGEST_NAME: usize = 4095;
/// Bytes of names held at a time.
const MOST_NAMES: usize = 256 << 20;
/// Directories that are kept open.
const KEPT_OPEN: usize = 64;
const LISTING: usize = 32 * 1024;

/// A file of the tree, pinned.
pub(crate) struct Found {
    pub(crate) node: OwnedFd,
    pub(crate) stat: Stat,
}

/// Why the walk ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WalkError {
    Kernel(Errno),
    /// A name longer than [`LONGEST_NAME`].
    TooDeep,
    /// More than [`MOST_NAMES`].
    TooMany,
}

impl From<Errno> for WalkError {
    fn from(error: Errno) -> WalkError {
        WalkError::Kernel(error)
    }
}

/// Goes through a tree depth first, each directory's names in the order of their bytes.
pub(crate) struct Walk {
    root: OwnedFd,
    resolve: ResolveFlags,
    stack: Vec<Frame>,
    path: Vec<u8>,
    held: usize,
    listing: Vec<u8>,
}

struct Frame {
    /// `None` for one too deep to be kept open.
    directory: Option<OwnedFd>,
    names: Names,
    next: usize,
    /// Length of the directory's own name.
    path: usize,
}

/// Names one after the other, and where each is.
#[derive(Default)]
struct Names {
    bytes: Vec<u8>,
    spans: Vec<(usize, usize)>,
}

impl Names {
    fn at(&self, index: usize) -> Option<&[u8]> {
        let (start, end) = self.spans.get(index)?;
        self.bytes.get(*start..*end)
    }

    fn sort(&mut self) {
        let bytes = &self.bytes;
        self.spans
            .sort_unstable_by(|a, b| bytes[a.0..a.1].cmp(&bytes[b.0..b.1]));
    }

    fn held(&self) -> usize {
        self.bytes.len() + self.spans.len() * size_of::<(usize, usize)>()
    }
}

impl Walk {
    /// Starts at `root`, which is listed at once.
    pub(crate) fn new(root: OwnedFd) -> Result<Walk, WalkError> {
        Walk::begin(root, BELOW | ResolveFlags::NO_XDEV)
    }

    /// The same through mount points.
    pub(crate) fn through_mounts(root: OwnedFd) -> Result<Walk, WalkError> {
        Walk::begin(root, BELOW)
    }

    /// There is nothing below `root`, which may be a file of any kind.
    pub(crate) fn over(root: OwnedFd) -> Walk {
        Walk {
            root,
            resolve: BELOW,
            stack: Vec::new(),
            path: Vec::new(),
            held: 0,
            listing: Vec::new(),
        }
    }

    fn begin(root: OwnedFd, resolve: ResolveFlags) -> Result<Walk, WalkError> {
        let mut walk = Walk {
            resolve,
            listing: Vec::with_capacity(LISTING),
            ..Walk::over(root)
        };
        let top = walk.open_below(walk.root.as_fd(), b".", OFlags::RDONLY | OFlags::DIRECTORY)?;
        walk.push(top)?;
        Ok(walk)
    }

    fn open_below(
        &self,
        root: BorrowedFd<'_>,
        path: &[u8],
        flags: OFlags,
    ) -> Result<OwnedFd, Errno> {
        open_below(root, path, flags, self.resolve)
    }

    pub(crate) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Name of the present file inside the tree.
    pub(crate) fn name(&self) -> &[u8] {
        &self.path
    }

    /// The directory that the present file is in.
    pub(crate) fn parent(&self) -> Result<OwnedFd, WalkError> {
        match self.stack.last() {
            Some(frame) => Ok(self.directory(frame)?),
            None => Err(WalkError::Kernel(Errno::NOENT)),
        }
    }

    /// The next file; with its name in [`Walk::name`] also when it cannot be opened.
    pub(crate) fn next(&mut self) -> Option<Result<Found, WalkError>> {
        loop {
            let frame = self.stack.last_mut()?;
            self.path.truncate(frame.path);
            let Some(name) = frame.names.at(frame.next) else {
                self.held -= frame.names.held();
                self.stack.pop();
                continue;
            };
            frame.next += 1;
            if !self.path.is_empty() {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(name);
            if self.path.len() > LONGEST_NAME {
                return Some(Err(WalkError::TooDeep));
            }
            return Some(self.open());
        }
    }

    /// Goes into the directory just found: its files come next.
    pub(crate) fn enter(&mut self, found: &Found) -> Result<(), WalkError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let directory = self.open_below(found.node.as_fd(), b".", flags)?;
        self.push(directory)
    }

    fn open(&self) -> Result<Found, WalkError> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW;
        let node = match self.stack.last() {
            Some(Frame {
                directory: Some(directory),
                names,
                next,
                ..
            }) => {
                let name = names.at(next.wrapping_sub(1)).unwrap_or_default();
                self.open_below(directory.as_fd(), name, flags)?
            }
            _ => self.open_below(self.root.as_fd(), &self.path, flags)?,
        };
        let stat = rustix::fs::fstat(&node)?;
        Ok(Found { node, stat })
    }

    fn directory(&self, frame: &Frame) -> Result<OwnedFd, Errno> {
        match &frame.directory {
            Some(directory) => rustix::io::fcntl_dupfd_cloexec(directory, 0),
            None => self.open_below(
                self.root.as_fd(),
                &self.path[..frame.path],
                OFlags::RDONLY | OFlags::DIRECTORY,
            ),
        }
    }

    fn push(&mut self, directory: OwnedFd) -> Result<(), WalkError> {
        let names = self.list(&directory)?;
        self.held += names.held();
        let keep = self.stack.len() < KEPT_OPEN;
        self.stack.push(Frame {
            directory: keep.then_some(directory),
            names,
            next: 0,
            path: self.path.len(),
        });
        Ok(())
    }

    fn list(&mut self, directory: &OwnedFd) -> Result<Names, WalkError> {
        let mut names = Names::default();
        let mut entries = RawDir::new(directory, self.listing.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            let start = names.bytes.len();
            names.bytes.extend_from_slice(name);
            names.spans.push((start, names.bytes.len()));
            if self.held + names.held() > MOST_NAMES {
                return Err(WalkError::TooMany);
            }
        }
        names.sort();
        Ok(names)
    }
}

impl Found {
    /// Its path for calls that take no descriptor of this kind.
    pub(crate) fn place(&self) -> String {
        format!("/proc/self/fd/{}", self.node.as_raw_fd())
    }

    pub(crate) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }
}

/// No link leads anywhere, and nothing leads up.
const BELOW: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS);

fn open_below(
    root: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
    resolve: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    rustix::fs::openat2(root, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(root: &std::path::Path) -> Vec<String> {
        let mut walk = Walk::new(fs::File::open(root).unwrap().into()).unwrap();
        let mut seen = Vec::new();
        while let Some(found) = walk.next() {
            let found = found.unwrap();
            seen.push(String::from_utf8(walk.name().to_vec()).unwrap());
            if found.kind() == FileType::Directory {
                walk.enter(&found).unwrap();
            }
        }
        assert_eq!(walk.held, 0);
        seen
    }

    #[test]
    fn each_directory_in_the_order_of_bytes_and_no_link_entered() {
        let base = tempfile::tempdir().unwrap();
        fs::create_dir_all(base.path().join("b/x")).unwrap();
        fs::write(base.path().join("b.txt"), "").unwrap();
        fs::write(base.path().join("B"), "").unwrap();
        fs::write(base.path().join("b/y"), "").unwrap();
        symlink("/etc", base.path().join("a")).unwrap();
        assert_eq!(names(base.path()), ["B", "a", "b", "b/x", "b/y", "b.txt"]);
    }

    #[test]
    fn deeper_than_the_directories_kept_open() {
        let base = tempfile::tempdir().unwrap();
        let deep = vec!["d"; KEPT_OPEN * 3].join("/");
        fs::create_dir_all(base.path().join(&deep)).unwrap();
        fs::write(base.path().join(&deep).join("f"), "").unwrap();
        fs::write(base.path().join("z"), "").unwrap();
        let seen = names(base.path());
        assert_eq!(seen.len(), KEPT_OPEN * 3 + 2);
        assert_eq!(seen[KEPT_OPEN * 3], format!("{deep}/f"));
        assert_eq!(seen.last().unwrap(), "z");
    }

    #[test]
    fn a_name_that_no_reader_takes_is_an_error() {
        let base = tempfile::tempdir().unwrap();
        let name = "n".repeat(250);
        let mut here: OwnedFd = fs::File::open(base.path()).unwrap().into();
        for _ in 0..17 {
            rustix::fs::mkdirat(&here, name.as_str(), Mode::RWXU).unwrap();
            here = open_below(here.as_fd(), name.as_bytes(), OFlags::RDONLY, BELOW).unwrap();
        }
        let mut walk = Walk::new(fs::File::open(base.path()).unwrap().into()).unwrap();
        let error = loop {
            match walk.next().unwrap() {
                Ok(found) => walk.enter(&found).unwrap(),
                Err(error) => break error,
            }
        };
        assert_eq!(error, WalkError::TooDeep);
    }
}
