//! A tree in overlayfs' form as a tar: the same tree always makes the same bytes.
//!
//! ```text
//!  tree ─▶ Walk (sorted, pinned by O_PATH) ─▶ header (ustar + PAX) ─▶ Read
//!            │ character device 0/0      → .wh.NAME
//!            │ trusted.overlay.opaque=y  → .wh..wh..opq in the directory
//!            │ another name of a file    → hard link to the first name in order
//!            └ socket                    → left out, as every tar does
//! ```
//!
//! So a layer that was made here needs no blob beside its tree: whenever the blob is asked for it is
//! written again. The reader works as it is read from and holds no file's content.

mod attributes;
mod header;
mod ids;
pub(crate) mod kernels;
mod links;
mod walk;

pub use ids::{IdRange, IdShift};

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, Timespec, Timestamps};
use rustix::io::Errno;

use super::limits::MOST_BYTES;
use crate::tar::{Kind, shown};
use attributes::{AttributeReader, Attributes};
use header::{BLOCK, Fields};
use links::Links;
pub(crate) use walk::{Found, Walk, WalkError};

/// Why a tree cannot be packed.
#[derive(Debug, thiserror::Error)]
#[error("cannot pack {name:?}: {problem}")]
pub struct PackError {
    /// Inside the tree, shortened.
    name: String,
    problem: PackProblem,
}

/// What is wrong with one file of a tree.
#[derive(Debug, thiserror::Error)]
pub enum PackProblem {
    /// The kernel refused something.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Its name would mean something else in a layer.
    #[error("a layer cannot hold names that start with .wh.")]
    Whiteout,
    /// The whole name is longer than a path may be.
    #[error("its name is longer than 4095 bytes")]
    NameLength,
    /// More names than are held in memory.
    #[error("too many files in one directory, or too many with several names")]
    TooMany,
    /// More extended attributes than a tar reader takes.
    #[error("its extended attributes are larger than 1 MiB")]
    TooLarge,
    /// A file that claims this much is a layer that nobody could unpack.
    #[error("the layer's files are larger than {0} GiB")]
    Limit(u64),
    /// A tar has no way to write this name.
    #[error("the name of its extended attribute {0:?} contains \"=\"")]
    AttributeName(String),
    /// Overlayfs was told to keep the content in another place.
    #[error("overlayfs keeps its content elsewhere ({0})")]
    Elsewhere(String),
    /// A tree that nobody should be writing to.
    #[error("it changed while it was read")]
    Changed,
}

impl From<Errno> for PackProblem {
    fn from(error: Errno) -> PackProblem {
        PackProblem::Io(error.into())
    }
}

impl From<WalkError> for PackProblem {
    fn from(error: WalkError) -> PackProblem {
        match error {
            WalkError::Kernel(error) => error.into(),
            WalkError::TooDeep => PackProblem::NameLength,
            WalkError::TooMany => PackProblem::TooMany,
        }
    }
}

impl From<PackError> for io::Error {
    fn from(error: PackError) -> io::Error {
        let kind = match &error.problem {
            PackProblem::Io(source) => source.kind(),
            _ => io::ErrorKind::InvalidData,
        };
        io::Error::new(kind, error)
    }
}

/// Whose the tree is.
#[derive(Debug, Clone)]
pub(crate) enum Tree {
    /// A layer of the store: nobody writes to it.
    Stored,
    /// An upper directory that becomes a layer: what only its mount needed is taken off, and times
    /// later than these seconds since 1970 are set to them.
    Taken {
        /// `None` leaves all times.
        epoch: Option<i64>,
    },
    /// Somebody may write to it at this moment. What vanishes is left out, and what shrinks while
    /// it is read is filled with zeros.
    Live {
        /// The ids that files on disk have.
        ids: IdShift,
        /// Names that are no part of it.
        left_out: BTreeSet<Vec<u8>>,
    },
    /// All files of a container, which may be running: as [`Tree::Live`], but nothing is hidden any
    /// more and every name means itself.
    Merged {
        /// Names that are no part of it.
        left_out: BTreeSet<Vec<u8>>,
    },
    /// Some files for `cp`: as [`Tree::Merged`], with what is mounted below, but nothing of the
    /// kernel's own filesystems.
    Copied {
        /// The ids that files on disk have.
        ids: IdShift,
        /// What the root is called in the archive; empty: it is not in it, only what it has.
        top: Vec<u8>,
    },
}

impl Tree {
    /// Somebody may be writing to it.
    fn is_live(&self) -> bool {
        matches!(
            self,
            Tree::Live { .. } | Tree::Merged { .. } | Tree::Copied { .. }
        )
    }

    /// It is no layer: names mean themselves, and nothing bounds it.
    fn is_plain(&self) -> bool {
        matches!(self, Tree::Merged { .. } | Tree::Copied { .. })
    }

    fn leaves_out(&self, name: &[u8]) -> bool {
        match self {
            Tree::Live { left_out, .. } | Tree::Merged { left_out } => left_out.contains(name),
            Tree::Stored | Tree::Taken { .. } | Tree::Copied { .. } => false,
        }
    }
}

/// The tar of a tree, made while it is read.
pub(crate) struct Packer {
    walk: Walk,
    tree: Tree,
    links: Links,
    attributes: AttributeReader,
    /// Headers and padding not yet read, from `at` on.
    out: Vec<u8>,
    at: usize,
    data: Option<Data>,
    ended: bool,
    size: u64,
}

/// Content that comes next.
struct Data {
    file: OwnedFd,
    left: u64,
    /// Bytes that fill up the last block.
    padding: usize,
}

impl Packer {
    /// `root` is the tree's directory.
    pub(crate) fn new(root: OwnedFd, tree: Tree) -> Result<Packer, PackError> {
        let failed = |problem: PackProblem| PackError {
            name: "./".to_owned(),
            problem,
        };
        let walk = match &tree {
            Tree::Copied { .. } => Walk::through_mounts(root),
            _ => Walk::new(root),
        };
        let mut packer = Packer::over(walk.map_err(|error| failed(error.into()))?, tree);
        match packer.tree {
            Tree::Copied { .. } => packer.add_top(),
            _ => packer.add_root(),
        }
        .map_err(failed)?;
        Ok(packer)
    }

    /// A single file of any kind but a directory; `file` is it as a mere place.
    pub(crate) fn of_file(file: OwnedFd, tree: Tree) -> Result<Packer, PackError> {
        let pinned = rustix::io::fcntl_dupfd_cloexec(&file, 0)
            .and_then(|node| rustix::fs::fstat(&file).map(|stat| Found { node, stat }));
        let mut packer = Packer::over(Walk::over(file), tree);
        pinned
            .map_err(PackProblem::from)
            .and_then(|found| packer.add(found))
            .map_err(|problem| PackError {
                name: shown(&packer.name()),
                problem,
            })?;
        Ok(packer)
    }

    fn over(walk: Walk, tree: Tree) -> Packer {
        Packer {
            walk,
            tree,
            links: Links::default(),
            attributes: AttributeReader::new(),
            out: Vec::with_capacity(4 * BLOCK),
            at: 0,
            data: None,
            ended: false,
            size: 0,
        }
    }

    /// The present file's name in the archive.
    fn name(&self) -> Vec<u8> {
        match (&self.tree, self.walk.name()) {
            (Tree::Copied { top, .. }, b"") => top.clone(),
            (Tree::Copied { top, .. }, name) if !top.is_empty() => [&top[..], b"/", name].concat(),
            (_, name) => name.to_vec(),
        }
    }

    /// The root under the name that it has in the archive.
    fn add_top(&mut self) -> Result<(), PackProblem> {
        let name = self.name();
        if name.is_empty() {
            return Ok(());
        }
        let node = rustix::io::fcntl_dupfd_cloexec(self.walk.root(), 0)?;
        let stat = rustix::fs::fstat(&node)?;
        let mut found = Found { node, stat };
        let attributes = self.tend(&mut found)?;
        self.header(&name, Kind::Directory, &stat, b"", 0, &attributes.kept)
    }

    /// Bytes of the regular files packed so far, each file once.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The layer's own directory is told of only when it is not as every new one is: its time says
    /// nothing.
    fn add_root(&mut self) -> Result<(), PackProblem> {
        let root = rustix::io::fcntl_dupfd_cloexec(self.walk.root(), 0)?;
        let stat = rustix::fs::fstat(&root)?;
        let mut found = Found { node: root, stat };
        let attributes = self.tend(&mut found)?;
        let (uid, gid) = self.owner(&found.stat);
        let usual = found.stat.st_mode & 0o7777 == 0o755 && uid == 0 && gid == 0;
        if !usual || !attributes.kept.is_empty() {
            self.header(b".", Kind::Directory, &found.stat, b"", 0, &attributes.kept)?;
        }
        if attributes.opaque {
            self.mark(b".wh..wh..opq")?;
        }
        Ok(())
    }

    /// Appends the next file to `out`, or the end.
    fn advance(&mut self) -> Result<(), PackError> {
        let Some(found) = self.walk.next() else {
            self.ended = true;
            self.out.resize(self.out.len() + 2 * BLOCK, 0);
            return Ok(());
        };
        let added = found
            .map_err(PackProblem::from)
            .and_then(|found| self.add(found));
        match added {
            Err(PackProblem::Io(error))
                if error.kind() == io::ErrorKind::NotFound && self.tree.is_live() =>
            {
                // Deleted since its directory was listed.
                Ok(())
            }
            other => other.map_err(|problem| PackError {
                name: shown(self.walk.name()),
                problem,
            }),
        }
    }

    fn add(&mut self, mut found: Found) -> Result<(), PackProblem> {
        if self.tree.leaves_out(self.walk.name()) {
            return Ok(());
        }
        let name = self.name();
        let last = name.rsplit(|b| *b == b'/').next().unwrap_or_default();
        let device = found.stat.st_rdev;
        let kind = match found.kind() {
            FileType::CharacterDevice if device == 0 && !self.tree.is_plain() => {
                let parent = &name[..name.len() - last.len()];
                return self.mark(&[parent, b".wh.", last].concat());
            }
            FileType::Socket => return self.socket(),
            FileType::RegularFile => Kind::Regular,
            FileType::Directory => Kind::Directory,
            FileType::Symlink => Kind::Symlink,
            FileType::CharacterDevice => Kind::Character,
            FileType::BlockDevice => Kind::Block,
            FileType::Fifo => Kind::Fifo,
            FileType::Unknown => return Err(Errno::INVAL.into()),
        };
        if last.starts_with(b".wh.") && !self.tree.is_plain() {
            return Err(PackProblem::Whiteout);
        }
        let attributes = self.tend(&mut found)?;
        let stat = found.stat;
        if kind == Kind::Directory {
            self.header(&name, kind, &stat, b"", 0, &attributes.kept)?;
            if attributes.opaque && !self.tree.is_plain() {
                self.mark(&[&name[..], b"/.wh..wh..opq"].concat())?;
            }
            if matches!(self.tree, Tree::Copied { .. }) && kernels::owns(&found.node)? {
                return Ok(());
            }
            return Ok(self.walk.enter(&found)?);
        }
        let earlier = self.links.earlier(&stat, &name);
        if let Some(first) = earlier.map_err(|links::TooMany| PackProblem::TooMany)? {
            return self.header(&name, Kind::HardLink, &stat, &first, 0, &[]);
        }
        match kind {
            Kind::Symlink => {
                let target = rustix::fs::readlinkat(&found.node, "", Vec::new())?;
                self.header(&name, kind, &stat, target.as_bytes(), 0, &attributes.kept)
            }
            Kind::Regular => {
                let size = u64::try_from(stat.st_size).unwrap_or(0);
                if size > 0 {
                    // By way of the pinned file: it cannot be something else by now.
                    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
                    let file = rustix::fs::open(found.place(), flags, Mode::empty())?;
                    self.data = Some(Data {
                        file,
                        left: size,
                        padding: (BLOCK as u64 - 1 - (size + BLOCK as u64 - 1) % BLOCK as u64)
                            as usize,
                    });
                }
                self.size = self.size.saturating_add(size);
                if self.size > MOST_BYTES && !self.tree.is_plain() {
                    return Err(PackProblem::Limit(MOST_BYTES >> 30));
                }
                self.header(&name, kind, &stat, b"", size, &attributes.kept)
            }
            _ => self.header(&name, kind, &stat, b"", 0, &attributes.kept),
        }
    }

    /// Reads the attributes, and makes a taken file what it shall be in a layer.
    fn tend(&mut self, found: &mut Found) -> Result<Attributes, PackProblem> {
        let place = found.place();
        let mut attributes = self.attributes.read(&place)?;
        match &self.tree {
            Tree::Stored | Tree::Merged { .. } => {}
            Tree::Live { ids: shift, .. } | Tree::Copied { ids: shift, .. } => {
                for (name, value) in &mut attributes.kept {
                    shift.attribute(name, value);
                }
            }
            Tree::Taken { epoch } => {
                for note in &attributes.notes {
                    rustix::fs::removexattr(&place, note.as_slice())?;
                }
                if let Some(epoch) = epoch
                    && found.stat.st_mtime >= *epoch
                    && (found.stat.st_mtime, found.stat.st_mtime_nsec) != (*epoch, 0)
                {
                    let at = Timespec {
                        tv_sec: *epoch,
                        tv_nsec: 0,
                    };
                    set_times(&place, at)?;
                    found.stat = rustix::fs::fstat(&found.node)?;
                }
            }
        }
        Ok(attributes)
    }

    /// A socket means nothing without the process behind it. A taken tree loses it, so that the
    /// tree stays what its tar says.
    fn socket(&mut self) -> Result<(), PackProblem> {
        if !matches!(self.tree, Tree::Taken { .. }) {
            return Ok(());
        }
        let parent = self.walk.parent()?;
        let before = rustix::fs::fstat(&parent)?;
        let last = self.walk.name().rsplit(|b| *b == b'/').next();
        rustix::fs::unlinkat(&parent, last.unwrap_or_default(), AtFlags::empty())?;
        let mtime = Timespec {
            tv_sec: before.st_mtime,
            tv_nsec: before.st_mtime_nsec as _,
        };
        rustix::fs::futimens(&parent, &both(mtime))?;
        Ok(())
    }

    /// An empty file whose name is all it says.
    fn mark(&mut self, name: &[u8]) -> Result<(), PackProblem> {
        let fields = Fields {
            name,
            kind: Kind::Regular,
            mode: 0o600,
            uid: 0,
            gid: 0,
            mtime: 0,
            link: b"",
            device: (0, 0),
            size: 0,
            xattrs: &[],
        };
        header::append(&mut self.out, &fields).map_err(|header::TooLarge| PackProblem::TooLarge)
    }

    fn header(
        &mut self,
        name: &[u8],
        kind: Kind,
        stat: &Stat,
        link: &[u8],
        size: u64,
        xattrs: &[(Vec<u8>, Vec<u8>)],
    ) -> Result<(), PackProblem> {
        let (uid, gid) = self.owner(stat);
        let device = match kind {
            Kind::Character | Kind::Block => (
                rustix::fs::major(stat.st_rdev),
                rustix::fs::minor(stat.st_rdev),
            ),
            _ => (0, 0),
        };
        let fields = Fields {
            name,
            kind,
            mode: stat.st_mode & 0o7777,
            uid,
            gid,
            mtime: stat.st_mtime,
            link,
            device,
            size,
            xattrs,
        };
        header::append(&mut self.out, &fields).map_err(|header::TooLarge| PackProblem::TooLarge)
    }

    fn owner(&self, stat: &Stat) -> (u32, u32) {
        match &self.tree {
            Tree::Live { ids, .. } | Tree::Copied { ids, .. } => {
                (ids.uid(stat.st_uid), ids.gid(stat.st_gid))
            }
            Tree::Stored | Tree::Taken { .. } | Tree::Merged { .. } => (stat.st_uid, stat.st_gid),
        }
    }

    /// Reads content; what is missing of a live file is zeros.
    fn content(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(data) = &mut self.data else {
            return Ok(0);
        };
        let wanted = usize::try_from(data.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let buffer = &mut buffer[..wanted];
        let mut read = rustix::io::retry_on_intr(|| rustix::io::read(&data.file, &mut *buffer))?;
        if read == 0 {
            if !self.tree.is_live() {
                return Err(PackError {
                    name: shown(self.walk.name()),
                    problem: PackProblem::Changed,
                }
                .into());
            }
            buffer.fill(0);
            read = wanted;
        }
        data.left -= read as u64;
        Ok(read)
    }
}

impl Read for Packer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if self.at < self.out.len() {
                let rest = &self.out[self.at..];
                let length = rest.len().min(buffer.len());
                buffer[..length].copy_from_slice(&rest[..length]);
                self.at += length;
                return Ok(length);
            }
            self.out.clear();
            self.at = 0;
            match &self.data {
                Some(data) if data.left > 0 => return self.content(buffer),
                Some(data) => {
                    self.out.resize(data.padding, 0);
                    self.data = None;
                }
                None if self.ended => return Ok(0),
                None => self.advance()?,
            }
        }
    }
}

fn set_times(place: &str, at: Timespec) -> Result<(), Errno> {
    rustix::fs::utimensat(rustix::fs::CWD, place, &both(at), AtFlags::empty())
}

fn both(at: Timespec) -> Timestamps {
    Timestamps {
        last_access: at,
        last_modification: at,
    }
}
