//! Making the missing part of a path inside a root.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use rustix::fs::{Mode, OFlags, ResolveFlags, mkdirat, openat, readlinkat};
use rustix::io::Errno;

use super::lookup;

/// Symlinks followed while creating a path; the kernel's own limit.
const LINKS: usize = 40;

/// What to make at the end of a path.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Last {
    Directory,
    File,
}

/// A walk that makes what is missing, one component at a time, with a
/// descriptor for each level: a rename meanwhile cannot move it outside.
pub(super) struct Walk<'a> {
    root: BorrowedFd<'a>,
    levels: Vec<OwnedFd>,
    links: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn start(root: BorrowedFd<'a>) -> io::Result<Self> {
        Ok(Self {
            root,
            levels: Vec::new(),
            links: 0,
        })
    }

    pub(super) fn make(mut self, path: &Path, mode: u32, last: Last) -> io::Result<OwnedFd> {
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
