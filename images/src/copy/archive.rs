//! Archives among the sources of `ADD`.

use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{FileType, OFlags};

use super::place::{ROOT, directory, kind, resolved};
use super::{CopyError, CopyOptions};
use crate::compression::decode;
use crate::context::{Found, Stamp, Tree, WalkError, open_regular, scratch_file};
use crate::layer::{Extracted, extract};
use crate::tar::Reader;
use crate::view::{View, joined, open_plain, shown};

/// Unpacks a source into the destination if it is an archive; false when it is none.
///
/// A damaged one, or one of another kind, is copied like any file, as Docker does; not so what xz
/// or bzip2 packed, where Docker would unpack and this cannot.
pub(super) fn unpack(
    found: &Found,
    tree: &Tree,
    view: &View,
    options: &CopyOptions,
    scratch: &Path,
) -> Result<bool, CopyError> {
    if kind(&found.stat) != FileType::RegularFile {
        return Ok(false);
    }
    let reading = |error| CopyError::from(WalkError::at(&found.path, error));
    let failed = |source: io::Error| {
        CopyError::from(WalkError::Io {
            path: shown(&found.path),
            source,
        })
    };
    let changed = || CopyError::Changed(shown(&found.path));
    let file = open_regular(tree.root(), &found.path).map_err(reading)?;
    let stat = rustix::fs::fstat(&file).map_err(reading)?;
    if kind(&stat) != FileType::RegularFile || tree.memo().is_stale(&found.path, Stamp::of(&stat)) {
        return Err(changed());
    }
    let mut file = File::from(file);
    if !is_archive(&file).map_err(|error| match error.kind() {
        io::ErrorKind::Unsupported => CopyError::Packing {
            path: shown(&found.path),
            problem: error.to_string(),
        },
        _ => failed(error),
    })? {
        return Ok(false);
    }
    file.rewind().map_err(failed)?;
    let (names, _) = resolved(view, &options.destination.names)?;
    directory(view, &names, options.owner.unwrap_or(ROOT), &mut false)?;
    let into = open_plain(
        view.as_fd(),
        &joined(&names),
        OFlags::RDONLY | OFlags::DIRECTORY,
    )
    .map_err(|error| CopyError::write(&joined(&names), error))?;
    let (_, plain) = decode(&file).map_err(failed)?;
    let notes = scratch_file(scratch).map_err(failed)?;
    let as_files = Extracted {
        owner: options.owner.map(|owner| (owner.uid, owner.gid)),
    };
    extract(plain, into, notes, as_files).map_err(|source| CopyError::Unpack {
        path: shown(&found.path),
        source,
    })?;
    let after = rustix::fs::fstat(&file).map_err(reading)?;
    match Stamp::of(&after) == Stamp::of(&stat) {
        true => Ok(true),
        false => Err(changed()),
    }
}

/// Whether the first member can be read.
fn is_archive(file: &File) -> io::Result<bool> {
    let (_, plain) = match decode(file) {
        Ok(decoded) => decoded,
        Err(error) if error.kind() == io::ErrorKind::Unsupported => return Err(error),
        Err(_) => return Ok(false),
    };
    // A member's header is at most a few extension headers long.
    const FIRST: u64 = 4 << 20;
    Ok(matches!(
        Reader::new(plain.take(FIRST)).next_member(),
        Ok(Some(_))
    ))
}
