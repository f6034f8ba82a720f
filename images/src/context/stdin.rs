//! A context, or a Dockerfile, that comes through a pipe.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::{Context, ContextError, LARGEST_DOCKERFILE};
use crate::compression::{Compression, decode};
use crate::layer::{Extracted, extract};
use crate::tar::{Reader, TarError};

/// What `build -` was given.
#[derive(Debug)]
pub enum FromStdin {
    /// A tar, plain or packed by gzip or zstd: the context.
    Context(Context),
    /// Anything else: a Dockerfile, whose context is empty.
    Dockerfile(Vec<u8>),
}

/// A tar begins with a header of that size.
const BLOCK: usize = 512;

impl FromStdin {
    /// Reads it to its end. A tar is unpacked into the empty directory `into`: nothing of it leaves
    /// that directory, and everything in it belongs to root.
    ///
    /// # Errors
    /// [`ContextError`]: the stream breaks, or is an archive that is refused.
    pub fn read(mut source: impl Read, into: &Path) -> Result<FromStdin, ContextError> {
        let mut start = vec![0; BLOCK];
        let filled = fill(&mut source, &mut start).map_err(ContextError::Stdin)?;
        start.truncate(filled);
        let is_tar = begins_archive(&start);
        let mut whole = io::Cursor::new(start).chain(source);
        if is_tar {
            return Context::tar(whole, into).map(FromStdin::Context);
        }
        let most = u64::try_from(LARGEST_DOCKERFILE).unwrap_or(u64::MAX);
        let mut text = Vec::new();
        let read = whole.by_ref().take(most + 1).read_to_end(&mut text);
        read.map_err(ContextError::Stdin)?;
        match text.len() > LARGEST_DOCKERFILE {
            true => Err(ContextError::TooLarge),
            false => Ok(FromStdin::Dockerfile(text)),
        }
    }
}

impl Context {
    /// Unpacks a tar, plain or packed by gzip or zstd, into the empty directory `into`, which is
    /// the context then.
    ///
    /// # Errors
    /// [`ContextError`]: the stream breaks, or has something that leads out of the directory.
    pub fn tar(source: impl Read, into: &Path) -> Result<Context, ContextError> {
        let failed = |source| ContextError::Io {
            path: into.to_owned(),
            source,
        };
        let notes = scratch_file(into).map_err(failed)?;
        let root = File::open(into).map_err(failed)?;
        let (_, plain) = decode(source).map_err(ContextError::Stdin)?;
        let to_root = Extracted {
            owner: Some((0, 0)),
        };
        extract(plain, root.into(), notes, to_root)?;
        Context::directory(into)
    }
}

/// An empty file without a name, for notes while unpacking.
pub(crate) fn scratch_file(directory: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR;
    match rustix::fs::open(directory, flags, mode) {
        Ok(file) => Ok(file.into()),
        // Filesystems that have no such files.
        Err(Errno::OPNOTSUPP | Errno::ISDIR) => {
            let path = directory.join("notes");
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
            let file = rustix::fs::open(&path, flags, mode)?;
            std::fs::remove_file(&path)?;
            Ok(file.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// A packed stream is taken for an archive: no Dockerfile begins so.
fn begins_archive(start: &[u8]) -> bool {
    match decode(start) {
        Ok((Compression::None, _)) => {}
        // Packed in a way that is read here, or one that is refused by name.
        Ok(_) | Err(_) => return true,
    }
    // The name of the first member may need more than this block.
    let whole = start.len() == BLOCK && start.iter().any(|byte| *byte != 0);
    whole && !matches!(Reader::new(start).next_member(), Err(TarError::Header))
}

fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
