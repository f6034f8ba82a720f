//! Finding and making the parents of a name below the layer's directory.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use super::UnpackError;
use super::entry_name::{EntryName, NameProblem};

/// The layer's directory and the last parent used, as neighbours follow each other in a tar.
pub(super) struct Tree {
    root: Rc<OwnedFd>,
    resolve: ResolveFlags,
    /// What is a directory stays one, and what is none never becomes one.
    keeps_kinds: bool,
    last: Option<(Vec<Vec<u8>>, Rc<OwnedFd>)>,
}

/// What a missing parent means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// Make it, as archives leave out directories.
    Make,
    /// Refuse: the target of a hard link must exist.
    Refuse,
}

/// One component still to be walked.
struct Step {
    name: Vec<u8>,
    /// It stems from the target of a link, where `..` is allowed and all must exist.
    of_link: bool,
}

const MOST_LINKS: usize = 40;
const OPAQUE: &str = "trusted.overlay.opaque";

impl Tree {
    pub(super) fn new(root: OwnedFd) -> Result<Tree, UnpackError> {
        Ok(Tree {
            root: Rc::new(root),
            resolve: BELOW | ResolveFlags::NO_XDEV,
            keeps_kinds: false,
            last: None,
        })
    }

    /// For files that somebody copies: below `root` there may be mounts, and a directory gives way
    /// to nothing.
    pub(super) fn lived_in(root: OwnedFd) -> Tree {
        Tree {
            root: Rc::new(root),
            resolve: BELOW,
            keeps_kinds: true,
            last: None,
        }
    }

    /// See [`Tree::lived_in`].
    pub(super) fn keeps_kinds(&self) -> bool {
        self.keeps_kinds
    }

    /// Opens a directory below another; links are errors.
    pub(super) fn open(&self, root: BorrowedFd<'_>, path: &[u8]) -> Result<OwnedFd, Errno> {
        open_with(root, path, self.resolve)
    }

    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// To be called when a directory was replaced by something else.
    pub(super) fn forget(&mut self) {
        self.last = None;
    }

    /// The directory that `name` is in, or shall be in, and its last component.
    pub(super) fn parent<'n>(
        &mut self,
        name: &'n EntryName,
        missing: Missing,
    ) -> Result<(Rc<OwnedFd>, &'n [u8]), UnpackError> {
        let (parents, last) = name
            .split_last()
            .ok_or_else(|| UnpackError::name(b"./", NameProblem::Root))?;
        let problem = |problem| UnpackError::name(&name.to_bytes(), problem);
        let directory = self
            .directory(parents, missing)
            .map_err(|error| match error {
                Failure::Problem(found) => problem(found),
                Failure::Io(source) => UnpackError::io(&name.to_bytes(), source),
            })?;
        Ok((directory, last))
    }

    /// The directory `name` itself, made when missing.
    pub(super) fn open_directory(&mut self, name: &EntryName) -> Result<Rc<OwnedFd>, UnpackError> {
        self.directory(name.components(), Missing::Make)
            .map_err(|error| match error {
                Failure::Problem(problem) => UnpackError::name(&name.to_bytes(), problem),
                Failure::Io(source) => UnpackError::io(&name.to_bytes(), source),
            })
    }

    fn directory(
        &mut self,
        components: &[Vec<u8>],
        missing: Missing,
    ) -> Result<Rc<OwnedFd>, Failure> {
        if components.is_empty() {
            return Ok(Rc::clone(&self.root));
        }
        if let Some((known, directory)) = &self.last
            && known == components
        {
            return Ok(Rc::clone(directory));
        }
        let directory = match self.open(self.root(), &components.join(&b'/')) {
            Ok(directory) => directory,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {
                let plain = self.without_links(components)?;
                self.make_path(&plain, missing)?
            }
            Err(error) => return Err(error.into()),
        };
        let directory = Rc::new(directory);
        self.last = Some((components.to_vec(), Rc::clone(&directory)));
        Ok(directory)
    }

    /// Replaces links among `components` by what they mean inside the layer. One descriptor is
    /// open at a time: a name may be deeper than their limit.
    fn without_links(&self, components: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Failure> {
        let mut todo: VecDeque<Step> = components
            .iter()
            .map(|name| Step {
                name: name.clone(),
                of_link: false,
            })
            .collect();
        let mut done: Vec<Vec<u8>> = Vec::new();
        let mut here = self.root.as_fd().try_clone_to_owned()?;
        let mut links = 0;
        while let Some(step) = todo.pop_front() {
            if step.name == b".." {
                // Only from a link's target. All of `done` is real, so its parent is the last's.
                done.pop().ok_or(NameProblem::Escape)?;
                here = self.reopen(&done)?;
                continue;
            }
            match kind_of(here.as_fd(), &step.name)? {
                Some(FileType::Symlink) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(NameProblem::Loop.into());
                    }
                    let target = rustix::fs::readlinkat(&here, step.name.as_slice(), Vec::new())?;
                    let target = target.as_bytes();
                    if target.starts_with(b"/") {
                        done.clear();
                        here = self.reopen(&done)?;
                    }
                    let parts = target.split(|b| *b == b'/').rev();
                    for part in parts.filter(|part| !matches!(*part, b"" | b".")) {
                        todo.push_front(Step {
                            name: part.to_vec(),
                            of_link: true,
                        });
                    }
                }
                Some(FileType::Directory) => {
                    here = self.open(here.as_fd(), &step.name)?;
                    done.push(step.name);
                }
                _ if step.of_link => return Err(NameProblem::Dangling.into()),
                _ => {
                    // Missing, or a whiteout or file: `make_path` judges this and the rest.
                    done.push(step.name);
                    done.extend(todo.drain(..).map(|step| step.name));
                }
            }
        }
        Ok(done)
    }

    fn reopen(&self, path: &[Vec<u8>]) -> Result<OwnedFd, Failure> {
        if path.is_empty() {
            return Ok(self.root.as_fd().try_clone_to_owned()?);
        }
        Ok(self.open(self.root(), &path.join(&b'/'))?)
    }

    /// Opens a path without links, making what is missing.
    fn make_path(&self, components: &[Vec<u8>], missing: Missing) -> Result<OwnedFd, Failure> {
        let mut directory = self.root.as_fd().try_clone_to_owned()?;
        for component in components {
            directory = match self.open(directory.as_fd(), component) {
                Ok(next) => next,
                Err(Errno::NOENT) if missing == Missing::Make => {
                    make_directory(directory.as_fd(), component)?
                }
                Err(Errno::NOTDIR) if missing == Missing::Make => {
                    if self.keeps_kinds || !is_whiteout(directory.as_fd(), component)? {
                        return Err(NameProblem::NotDirectory.into());
                    }
                    // Hidden and then made anew: nothing below may show through.
                    rustix::fs::unlinkat(&directory, component.as_slice(), AtFlags::empty())?;
                    let made = make_directory(directory.as_fd(), component)?;
                    set_opaque(made.as_fd())?;
                    made
                }
                Err(Errno::NOENT | Errno::NOTDIR) => return Err(NameProblem::LinkMissing.into()),
                Err(error) => return Err(error.into()),
            };
        }
        Ok(directory)
    }
}

/// Opens a directory below `root`; links and mount points are errors.
pub(super) fn open_below(root: BorrowedFd<'_>, path: &[u8]) -> Result<OwnedFd, Errno> {
    open_with(root, path, BELOW | ResolveFlags::NO_XDEV)
}

/// No link leads anywhere, and nothing leads up.
const BELOW: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS);

fn open_with(root: BorrowedFd<'_>, path: &[u8], resolve: ResolveFlags) -> Result<OwnedFd, Errno> {
    rustix::fs::openat2(
        root,
        path,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
        resolve,
    )
}

/// Makes and opens a directory with mode 0755 whatever the umask.
pub(super) fn make_directory(parent: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Errno> {
    rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o755))?;
    let made = open_below(parent, name)?;
    rustix::fs::fchmod(&made, Mode::from_raw_mode(0o755))?;
    Ok(made)
}

/// Hides everything of lower layers in this directory.
pub(super) fn set_opaque(directory: BorrowedFd<'_>) -> Result<(), Errno> {
    rustix::fs::fsetxattr(directory, OPAQUE, b"y", rustix::fs::XattrFlags::empty())
}

/// What is at `name`, links not followed.
pub(super) fn stat(parent: BorrowedFd<'_>, name: &[u8]) -> Result<Option<Stat>, Errno> {
    match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

fn kind_of(parent: BorrowedFd<'_>, name: &[u8]) -> Result<Option<FileType>, Errno> {
    Ok(stat(parent, name)?.map(|stat| FileType::from_raw_mode(stat.st_mode)))
}

/// Whether `name` is overlayfs' mark of a hidden file.
pub(super) fn is_whiteout(parent: BorrowedFd<'_>, name: &[u8]) -> Result<bool, Errno> {
    Ok(stat(parent, name)?.is_some_and(|stat| marks_whiteout(&stat)))
}

pub(super) fn marks_whiteout(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
}

/// Why a directory cannot be had.
enum Failure {
    Problem(NameProblem),
    Io(io::Error),
}

impl From<NameProblem> for Failure {
    fn from(problem: NameProblem) -> Failure {
        Failure::Problem(problem)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Io(error)
    }
}

impl From<Errno> for Failure {
    fn from(error: Errno) -> Failure {
        Failure::Io(error.into())
    }
}
