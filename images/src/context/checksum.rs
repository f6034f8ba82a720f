//! What a selection is, for the build cache: contents and metadata, but no times.
//!
//! Two selections with the same digest make the same layer, apart from times. Files are read by
//! several threads, in batches, so that memory does not depend on how many there are.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{FileType, OFlags, Stat};
use rustix::io::Errno;

use super::memo::Stamp;
use super::walk::{Entry, WalkError, below, walk};
use super::{Attributes, Found, Selection, Tree, attributes_of};
use crate::digest::{Digest, Hasher};
use crate::view::{open_plain, shown};

/// Why a selection has no digest.
#[derive(Debug, thiserror::Error)]
pub enum ChecksumError {
    /// A file cannot be read, or changed while it was.
    #[error(transparent)]
    Walk(#[from] WalkError),
}

/// Files read before their digests are folded in.
const BATCH: usize = 1024;
/// Below this much, threads cost more than they bring.
const WORTH_THREADS: u64 = 256 * 1024;
const MOST_THREADS: usize = 8;
const CHUNK: usize = 128 * 1024;

impl Selection<'_> {
    /// The digest of names, kinds, modes, link targets, extended attributes and contents, and of
    /// owners where copies keep them: `owner_given` says that they do not (`--chown`).
    ///
    /// # Errors
    /// [`ChecksumError`]: a file cannot be read, or changed meanwhile.
    pub fn checksum(&self, owner_given: bool) -> Result<Digest, ChecksumError> {
        let mut sum = Sum {
            tree: self.tree,
            owners: self.tree.keeps_owners() && !owner_given,
            hasher: Hasher::default(),
            batch: Vec::new(),
        };
        for found in &self.found {
            sum.source(found, self)?;
        }
        sum.flush()?;
        Ok(sum.hasher.finish())
    }
}

struct Sum<'a> {
    tree: &'a Tree,
    owners: bool,
    hasher: Hasher,
    batch: Vec<Item>,
}

/// What is known of a file before it is read.
struct Item {
    header: Vec<u8>,
    content: Option<Content>,
}

struct Content {
    path: Vec<u8>,
    stamp: Stamp,
    size: u64,
}

impl Sum<'_> {
    fn source(&mut self, found: &Found, selection: &Selection<'_>) -> Result<(), ChecksumError> {
        let mut header = vec![b'S'];
        field(&mut header, found.parents.as_deref().unwrap_or_default());
        if found.is_directory() {
            // Its contents are copied; its own name and mode are not.
            self.push(Item {
                header,
                content: None,
            })?;
            let start = &found.path;
            return walk(self.tree, start, selection.excludes, &mut |entry| {
                let item = self.item(entry, start)?;
                self.push(item)
            });
        }
        field(&mut header, &found.name);
        let failed = |error| WalkError::at(&found.path, error);
        if FileType::from_raw_mode(found.stat.st_mode) == FileType::RegularFile {
            self.metadata(&mut header, &found.stat, &[]);
            let content = Some(self.content(found.path.clone(), &found.stat));
            return self.push(Item { header, content });
        }
        let stat = self.tree.stat(&found.path).map_err(failed)?;
        self.metadata(&mut header, &stat, &[]);
        self.push(Item {
            header,
            content: None,
        })
    }

    fn item(&self, entry: &Entry<'_>, start: &[u8]) -> Result<Item, WalkError> {
        let path = entry.path();
        let whole = below(start, &path);
        let failed = |error| WalkError::at(&whole, error);
        let mut header = vec![b'F'];
        field(&mut header, &path);
        let mut content = None;
        match entry.kind() {
            FileType::RegularFile => {
                self.metadata(&mut header, &entry.stat, &[]);
                content = Some(self.content(whole, &entry.stat));
            }
            FileType::Directory => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY;
                let directory = open_plain(entry.directory, entry.name, flags).map_err(failed)?;
                let attributes = attributes_of(directory.as_fd()).map_err(failed)?;
                self.metadata(&mut header, &entry.stat, &attributes);
            }
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(entry.directory, entry.name, Vec::new())
                    .map_err(failed)?;
                self.metadata(&mut header, &entry.stat, &[]);
                field(&mut header, target.as_bytes());
            }
            _ => self.metadata(&mut header, &entry.stat, &[]),
        }
        Ok(Item { header, content })
    }

    fn metadata(&self, header: &mut Vec<u8>, stat: &Stat, attributes: &[(Vec<u8>, Vec<u8>)]) {
        header.extend(stat.st_mode.to_le_bytes());
        if self.owners {
            header.extend(stat.st_uid.to_le_bytes());
            header.extend(stat.st_gid.to_le_bytes());
        }
        header.extend(stat.st_rdev.to_le_bytes());
        fold_attributes(attributes, &mut |bytes| header.extend(bytes));
    }

    fn content(&self, path: Vec<u8>, stat: &Stat) -> Content {
        Content {
            path,
            stamp: Stamp::of(stat),
            size: u64::try_from(stat.st_size).unwrap_or(0),
        }
    }

    fn push(&mut self, item: Item) -> Result<(), ChecksumError> {
        self.batch.push(item);
        match self.batch.len() < BATCH {
            true => Ok(()),
            false => self.flush(),
        }
    }

    /// Reads the files of the batch and folds all of it in, in order.
    fn flush(&mut self) -> Result<(), ChecksumError> {
        let batch = std::mem::take(&mut self.batch);
        let contents: Vec<&Content> = batch.iter().filter_map(|i| i.content.as_ref()).collect();
        let mut digests = digests(self.tree, &contents)?.into_iter();
        for item in &batch {
            let length = u64::try_from(item.header.len()).unwrap_or(u64::MAX);
            self.hasher.update(length.to_le_bytes());
            self.hasher.update(&item.header);
            if item.content.is_some()
                && let Some(digest) = digests.next()
            {
                self.hasher.update(digest);
            }
        }
        Ok(())
    }
}

/// Length first, so that no two lists of fields read the same.
fn field(header: &mut Vec<u8>, bytes: &[u8]) {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    header.extend(length.to_le_bytes());
    header.extend(bytes);
}

fn fold_attributes(attributes: &[(Vec<u8>, Vec<u8>)], put: &mut dyn FnMut(&[u8])) {
    for (name, value) in attributes {
        let mut bytes = Vec::new();
        field(&mut bytes, name);
        field(&mut bytes, value);
        put(&bytes);
    }
}

/// A digest for each file, in order.
fn digests(tree: &Tree, contents: &[&Content]) -> Result<Vec<[u8; 32]>, WalkError> {
    let bytes: u64 = contents.iter().map(|content| content.size).sum();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = match bytes < WORTH_THREADS {
        true => 1,
        false => processors.min(MOST_THREADS).min(contents.len()),
    };
    if threads <= 1 {
        let mut buffer = vec![0; CHUNK];
        let each = contents.iter().map(|c| digest(tree, c, &mut buffer));
        return each.collect();
    }
    let next = AtomicUsize::new(0);
    let results = Mutex::new(vec![[0u8; 32]; contents.len()]);
    let work = || -> Result<(), WalkError> {
        let mut buffer = vec![0; CHUNK];
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(content) = contents.get(index) else {
                return Ok(());
            };
            let found = digest(tree, content, &mut buffer).inspect_err(|_| {
                // The others need not go on.
                next.store(contents.len(), Ordering::Relaxed);
            })?;
            if let Ok(mut results) = results.lock()
                && let Some(place) = results.get_mut(index)
            {
                *place = found;
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| match worker.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            })
    })?;
    Ok(results
        .into_inner()
        .unwrap_or_else(|broken| broken.into_inner()))
}

/// Attributes and content of one file, unless it was read before.
fn digest(tree: &Tree, content: &Content, buffer: &mut [u8]) -> Result<[u8; 32], WalkError> {
    if let Some(known) = tree.memo().digest(&content.path, content.stamp) {
        return Ok(known);
    }
    let failed = |error| WalkError::at(&content.path, error);
    let changed = || WalkError::Changed(shown(&content.path));
    let file = open_regular(tree.root(), &content.path).map_err(failed)?;
    let stamp = |file: &OwnedFd| rustix::fs::fstat(file).map(|stat| Stamp::of(&stat));
    if stamp(&file).map_err(failed)? != content.stamp {
        return Err(changed());
    }
    let attributes: Attributes = attributes_of(file.as_fd()).map_err(failed)?;
    let mut hasher = Hasher::default();
    fold_attributes(&attributes, &mut |bytes| hasher.update(bytes));
    hasher.update(content.size.to_le_bytes());
    let mut file = File::from(file);
    loop {
        match file.read(buffer) {
            Ok(0) => break,
            Ok(read) => hasher.update(&buffer[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(source) => {
                return Err(WalkError::Io {
                    path: shown(&content.path),
                    source,
                });
            }
        }
    }
    if stamp(&file.into()).map_err(failed)? != content.stamp {
        return Err(changed());
    }
    let digest = hasher.bytes();
    tree.memo()
        .remember(content.path.clone(), content.stamp, digest);
    Ok(digest)
}

/// Opens what was a regular file; should it have become a pipe or a terminal, nothing waits.
pub(crate) fn open_regular(root: BorrowedFd<'_>, path: &[u8]) -> Result<OwnedFd, Errno> {
    open_plain(
        root,
        path,
        OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY,
    )
}
