//! Unpacking a layer: from a hostile tar to a directory for overlayfs.
//!
//! Every name is split into components first (`..`, absolute names and empty components never get
//! further), every directory is opened with openat2 below the layer's own directory without
//! following links, and every node is made by its last component relative to such a directory. So
//! nothing in an archive can name anything outside. Links among the parents of a name are
//! resolved by hand inside the layer ([`tree`]), as images do contain files below them.
//!
//! ```text
//!  tar member ─▶ EntryName ─▶ Tree::parent (openat2) ─▶ node made ─▶ owner, mode, xattrs, mtime
//!                    └─ .wh.x → character device 0/0     └─ a directory's mtime: replayed last
//!                    └─ .wh..wh..opq → trusted.overlay.opaque=y on the directory
//! ```

mod attributes;
mod delete;
mod entry_name;
mod limits;
mod node;
mod pack;
mod place;
mod times;
mod tree;

pub(crate) use delete::delete_tree;
pub use entry_name::NameProblem;
pub(crate) use pack::kernels;
pub(crate) use pack::{Found, Packer, Tree as PackedTree, Walk, WalkError};
pub use pack::{IdRange, IdShift, PackError, PackProblem};
pub(crate) use place::place;
pub use place::{Owners, Placed, Placing};

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;

use crate::tar::{Member, Reader, TarError, shown};
use entry_name::{Entry, EntryName};
use limits::Budget;
use times::DirectoryTimes;
use tree::Tree;

/// Why a layer was refused. Nothing of it stays.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The stream is no tar, or ends early.
    #[error("error processing tar file: {0}")]
    Tar(#[from] TarError),
    /// A name that no layer may contain.
    #[error("refused tar member {name:?}: {problem}")]
    Name {
        /// As in the archive, shortened.
        name: String,
        /// What is wrong with it.
        problem: NameProblem,
    },
    /// A whiteout or an opaque directory cannot be made without root.
    #[error("cannot make the whiteout for {name:?}: unpacking images needs root ({source})")]
    Whiteout {
        /// The name that is hidden from lower layers.
        name: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// More bytes than any layer may have.
    #[error("the layer unpacks to more than {0} GiB")]
    TooLarge(u64),
    /// More bytes than the filesystem has room for, a part of it kept free.
    #[error("the layer unpacks to more than the image store's filesystem has room for")]
    NoRoom,
    /// More files than any layer may have.
    #[error("the layer has more than {0} files")]
    TooManyFiles(u64),
    /// The kernel refused something else.
    #[error("cannot unpack {name:?}: {source}")]
    Io {
        /// As in the archive, shortened.
        name: String,
        /// What the kernel said.
        source: io::Error,
    },
}

impl UnpackError {
    fn io(name: &[u8], source: impl Into<io::Error>) -> UnpackError {
        UnpackError::Io {
            name: shown(name),
            source: source.into(),
        }
    }

    fn name(name: &[u8], problem: NameProblem) -> UnpackError {
        UnpackError::Name {
            name: shown(name),
            problem,
        }
    }
}

/// Unpacks a whole uncompressed tar into the empty directory `root` and reads its source to the
/// end. `scratch` is an empty file of the caller's for notes that would not fit in memory.
/// Returns the bytes of all regular files.
pub(crate) fn unpack(tar: impl Read, root: OwnedFd, scratch: File) -> Result<u64, UnpackError> {
    let mut reader = Reader::new(tar);
    let mut layer = Layer {
        budget: Budget::of(&root),
        tree: Tree::new(root)?,
        times: DirectoryTimes::new(scratch),
        size: 0,
        files: None,
    };
    let mut buffer = vec![0; COPY_BUFFER];
    while let Some(member) = reader.next_member()? {
        layer.add(&member, &mut reader, &mut buffer)?;
    }
    let size = layer.finish()?;
    reader.drain()?;
    Ok(size)
}

/// How an archive of plain files is unpacked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extracted {
    /// User and group of all that is unpacked; without, those of the archive.
    pub(crate) owner: Option<(u32, u32)>,
}

/// Unpacks an archive that is no layer, as `ADD` does and for a build context: into a directory
/// that may have something in it, absolute names as if they were not, and names that would mean
/// deletions in a layer are refused.
pub(crate) fn extract(
    tar: impl Read,
    root: OwnedFd,
    scratch: File,
    files: Extracted,
) -> Result<(), UnpackError> {
    let mut reader = Reader::new(tar);
    let mut layer = Layer {
        budget: Budget::of(&root),
        tree: Tree::new(root)?,
        times: DirectoryTimes::new(scratch),
        size: 0,
        files: Some(files),
    };
    let mut buffer = vec![0; COPY_BUFFER];
    while let Some(mut member) = reader.next_member()? {
        if let Some((uid, gid)) = files.owner {
            (member.uid, member.gid) = (uid, gid);
        }
        strip_root(&mut member.name);
        if member.kind == crate::tar::Kind::HardLink {
            strip_root(&mut member.link);
        }
        layer.add(&member, &mut reader, &mut buffer)?;
    }
    layer.finish()?;
    reader.drain().map_err(UnpackError::from)
}

/// `/` alone is the directory itself.
fn strip_root(name: &mut Vec<u8>) {
    let slashes = name.iter().take_while(|byte| **byte == b'/').count();
    if slashes > 0 {
        name.splice(..slashes, *b"./");
    }
}

const COPY_BUFFER: usize = 128 * 1024;

struct Layer {
    budget: Budget,
    tree: Tree,
    times: DirectoryTimes,
    size: u64,
    /// Set when it is no layer.
    files: Option<Extracted>,
}

impl Layer {
    fn add<R: Read>(
        &mut self,
        member: &Member,
        reader: &mut Reader<R>,
        buffer: &mut [u8],
    ) -> Result<(), UnpackError> {
        self.budget.take(member)?;
        let entry = Entry::parse(&member.name)
            .map_err(|problem| UnpackError::name(&member.name, problem))?;
        match entry {
            Entry::Root => self.root(member),
            Entry::Ignored | Entry::Whiteout(_) | Entry::Opaque(_) if self.files.is_some() => {
                Err(UnpackError::name(&member.name, NameProblem::Deletion))
            }
            Entry::Ignored => Ok(()),
            Entry::Whiteout(name) => node::whiteout(&mut self.tree, &name),
            Entry::Opaque(directory) => node::opaque(&mut self.tree, &directory),
            Entry::File(name) => {
                self.size = self.size.saturating_add(member.size);
                let is_directory = node::make(&mut self.tree, &name, member, reader, buffer)?;
                if is_directory {
                    self.times
                        .note(&name, member.mtime)
                        .map_err(|error| UnpackError::io(&member.name, error))?;
                }
                Ok(())
            }
        }
    }

    /// `./` describes the layer's own directory.
    fn root(&mut self, member: &Member) -> Result<(), UnpackError> {
        if member.kind != crate::tar::Kind::Directory {
            return Err(UnpackError::name(&member.name, NameProblem::Root));
        }
        let failed = |error: io::Error| UnpackError::io(&member.name, error);
        attributes::on_open_file(self.tree.root(), member).map_err(failed)?;
        self.times
            .note(&EntryName::root(), member.mtime)
            .map_err(failed)
    }

    fn finish(mut self) -> Result<u64, UnpackError> {
        self.times.replay(&mut self.tree)?;
        Ok(self.size)
    }
}
