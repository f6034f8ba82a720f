//! From the words of a `COPY` to files of the tree.

use std::os::fd::AsFd;

use rustix::fs::{AtFlags, Dir, FileType, OFlags, Stat};
use rustix::io::Errno;

use super::walk::{WalkError, below, walk};
use super::{Ignore, Pattern, Tree};
use crate::view::{ResolveError, clean, joined, open_plain, resolve, shown};

/// What a `COPY` asks for.
#[derive(Clone, Copy, Default)]
pub struct SelectOptions<'a> {
    /// Paths and patterns, variables replaced. They start at the root of the tree, and `..` does
    /// not lead above it.
    pub sources: &'a [String],
    /// `--exclude`: relative to each source directory; a source that is a file, by its name.
    pub excludes: Option<&'a Ignore>,
    /// `--parents`: the directories of a source are made at the destination too, those before a
    /// `/./` excepted.
    pub parents: bool,
}

/// The sources of a `COPY`, found.
pub struct Selection<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) found: Vec<Found>,
    pub(crate) excludes: Option<&'a Ignore>,
}

/// One source.
#[derive(Debug)]
pub(crate) struct Found {
    /// In the tree, without links.
    pub(crate) path: Vec<u8>,
    /// Its last name as it was asked for: a link is copied under its own name.
    pub(crate) name: Vec<u8>,
    /// With `--parents`, the directories to make for it, relative to the destination; a directory
    /// is itself one of them.
    pub(crate) parents: Option<Vec<u8>>,
    pub(crate) stat: Stat,
}

impl Found {
    pub(crate) fn is_directory(&self) -> bool {
        FileType::from_raw_mode(self.stat.st_mode) == FileType::Directory
    }
}

/// Why a source is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    /// It is not there.
    #[error("{0:?}: not found")]
    NotFound(String),
    /// It is on the disk, but `.dockerignore` leaves it out.
    #[error("{0:?}: not found: it is excluded by .dockerignore")]
    Ignored(String),
    /// Its links lead in a circle, or a file is in the place of a directory.
    #[error("{path:?}: {problem}")]
    Path {
        /// The source.
        path: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// A pattern that is none.
    #[error("{0:?}: syntax error in pattern")]
    Pattern(String),
    /// More than a build copies.
    #[error("{0:?} matches more than {MOST_FOUND} files")]
    TooMany(String),
    /// A directory that is being looked through changed or cannot be read.
    #[error(transparent)]
    Walk(#[from] WalkError),
}

const MOST_FOUND: usize = 100_000;

/// `**` goes down one call for each directory.
const DEEPEST_PATTERN: usize = 256;

impl Selection<'_> {
    /// Whether there is nothing to copy, as no file matched the patterns.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

pub(super) fn select<'a>(
    tree: &'a Tree,
    options: &SelectOptions<'a>,
) -> Result<Selection<'a>, SelectError> {
    let mut search = Search {
        tree,
        options,
        found: Vec::new(),
    };
    for source in options.sources {
        search.source(source)?;
    }
    Ok(Selection {
        tree,
        found: search.found,
        excludes: options.excludes,
    })
}

pub(super) fn select_file<'a>(tree: &'a Tree, name: &str) -> Result<Selection<'a>, SelectError> {
    let options = SelectOptions::default();
    let search = Search {
        tree,
        options: &options,
        found: Vec::new(),
    };
    let found = search.plain(name, &clean(name.as_bytes()), 0)?;
    Ok(Selection {
        tree,
        found: vec![found],
        excludes: None,
    })
}

struct Search<'a, 'o> {
    tree: &'a Tree,
    options: &'o SelectOptions<'a>,
    found: Vec<Found>,
}

impl Search<'_, '_> {
    fn source(&mut self, source: &str) -> Result<(), SelectError> {
        let names = clean(source.as_bytes());
        // How many names stand before the `/./` from which on parents are kept.
        let pivot = match source.split_once("/./") {
            Some((before, _)) if self.options.parents => clean(before.as_bytes()).len(),
            _ => 0,
        };
        let patterns = names.iter().position(|name| is_pattern(name));
        let Some(first) = patterns else {
            let found = self.plain(source, &names, pivot)?;
            return self.push(source, found);
        };
        let (fixed, patterns) = names.split_at(first);
        // The names up to the first pattern may be links; below it they are what they are.
        let start = match self.resolve(source, fixed) {
            Ok((path, stat)) if is_directory(&stat) => path,
            Ok(_) | Err(SelectError::NotFound(_) | SelectError::Ignored(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut parsed = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            let any_depth = pattern == b"**" && self.options.parents;
            let pattern = Pattern::parse(&String::from_utf8_lossy(pattern))
                .map_err(|_| SelectError::Pattern(source.to_owned()))?;
            parsed.push((any_depth, pattern));
        }
        // Two `**` in a row are one.
        parsed.dedup_by(|next, last| next.0 && last.0);
        let mut matched = Vec::new();
        self.expand(source, &start, &mut Vec::new(), &parsed, &mut matched)?;
        matched.sort();
        matched.dedup();
        for names_below in matched {
            let asked: Vec<Vec<u8>> = fixed.iter().cloned().chain(names_below).collect();
            match self.plain(source, &asked, pivot) {
                Ok(found) => self.push(source, found)?,
                // A link that leads nowhere, or to what is left out.
                Err(SelectError::NotFound(_) | SelectError::Ignored(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn push(&mut self, source: &str, found: Found) -> Result<(), SelectError> {
        let excluded = |found: &Found| match self.options.excludes {
            Some(excludes) if !found.is_directory() => excludes.excludes(&found.name),
            _ => false,
        };
        if excluded(&found) {
            return Ok(());
        }
        if self.found.len() == MOST_FOUND {
            return Err(SelectError::TooMany(source.to_owned()));
        }
        self.found.push(found);
        Ok(())
    }

    /// A source without patterns.
    fn plain(&self, source: &str, names: &[Vec<u8>], pivot: usize) -> Result<Found, SelectError> {
        let (path, stat) = self.resolve(source, names)?;
        let kept = names.get(pivot..).unwrap_or_default();
        let parents = self.options.parents.then(|| match is_directory(&stat) {
            true => joined(kept),
            false => joined(kept.split_last().map_or(&[][..], |(_, parents)| parents)),
        });
        Ok(Found {
            path,
            name: names.last().cloned().unwrap_or_default(),
            parents,
            stat,
        })
    }

    /// Follows links; what is left out is not there.
    fn resolve(&self, source: &str, names: &[Vec<u8>]) -> Result<(Vec<u8>, Stat), SelectError> {
        let path = || shown(&joined(names));
        let missing = || SelectError::NotFound(path());
        let tree = self.tree;
        let resolved = resolve(tree.root(), names, &mut |link| !tree.hides_names(link));
        let found = match resolved {
            Ok(found) => found,
            Err(ResolveError::Hidden) => return Err(SelectError::Ignored(path())),
            Err(ResolveError::Kernel(Errno::NAMETOOLONG)) => return Err(missing()),
            Err(ResolveError::Kernel(error)) => {
                return Err(WalkError::at(source.as_bytes(), error).into());
            }
            Err(error) => {
                return Err(SelectError::Path {
                    path: path(),
                    problem: error.problem(),
                });
            }
        };
        let stat = found.stat.ok_or_else(missing)?;
        let real = joined(&found.components);
        if tree.has_no_copy(&stat) {
            return Err(missing());
        }
        if tree.hides(&real) && !self.shows_something(&real, &stat)? {
            return Err(SelectError::Ignored(path()));
        }
        Ok((real, stat))
    }

    /// Whether a directory that is left out has something that is not.
    fn shows_something(&self, path: &[u8], stat: &Stat) -> Result<bool, SelectError> {
        enum Stop {
            Shown,
            Failed(WalkError),
        }
        impl From<WalkError> for Stop {
            fn from(error: WalkError) -> Stop {
                Stop::Failed(error)
            }
        }
        if !is_directory(stat) || self.tree.hides_all_below(path) {
            return Ok(false);
        }
        match walk(self.tree, path, None, &mut |_| Err(Stop::Shown)) {
            Ok(()) => Ok(false),
            Err(Stop::Shown) => Ok(true),
            Err(Stop::Failed(error)) => Err(error.into()),
        }
    }

    /// Names below `start` that match, each a list of names; links are matched and not entered.
    fn expand(
        &self,
        source: &str,
        start: &[u8],
        so_far: &mut Vec<Vec<u8>>,
        patterns: &[(bool, Pattern)],
        matched: &mut Vec<Vec<Vec<u8>>>,
    ) -> Result<(), SelectError> {
        let Some(((any_depth, pattern), rest)) = patterns.split_first() else {
            if matched.len() == MOST_FOUND {
                return Err(SelectError::TooMany(source.to_owned()));
            }
            matched.push(so_far.clone());
            return Ok(());
        };
        if *any_depth && !rest.is_empty() {
            self.expand(source, start, so_far, rest, matched)?;
        }
        if so_far.len() > DEEPEST_PATTERN {
            return Err(SelectError::Path {
                path: shown(&joined(so_far)),
                problem: "too many directories for a pattern",
            });
        }
        let here = below(start, &joined(so_far));
        for (name, kind) in self.listing(&here)? {
            let enters = kind == FileType::Directory;
            if *any_depth {
                so_far.push(name);
                match (rest.is_empty(), enters) {
                    // `**` at the end is all that is directly below: directories come whole.
                    (true, _) => self.expand(source, start, so_far, rest, matched)?,
                    (false, true) => self.expand(source, start, so_far, patterns, matched)?,
                    (false, false) => {}
                }
                so_far.pop();
            } else if pattern.matches(&String::from_utf8_lossy(&name))
                && (enters || rest.is_empty())
            {
                so_far.push(name);
                self.expand(source, start, so_far, rest, matched)?;
                so_far.pop();
            }
        }
        Ok(())
    }

    fn listing(&self, path: &[u8]) -> Result<Vec<(Vec<u8>, FileType)>, SelectError> {
        let failed = |error| WalkError::at(path, error);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let directory = open_plain(self.tree.root(), path, flags).map_err(failed)?;
        let mut names = Vec::new();
        for entry in Dir::read_from(&directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                names.push(name.to_vec());
            }
        }
        names.sort_unstable();
        let mut listing = Vec::with_capacity(names.len());
        for name in names {
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            match rustix::fs::statat(directory.as_fd(), name.as_slice(), flags) {
                Ok(stat) => listing.push((name, FileType::from_raw_mode(stat.st_mode))),
                Err(Errno::NOENT) => {}
                Err(error) => return Err(failed(error).into()),
            }
        }
        Ok(listing)
    }
}

fn is_directory(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

fn is_pattern(name: &[u8]) -> bool {
    name.iter().any(|byte| b"*?[\\".contains(byte))
}
