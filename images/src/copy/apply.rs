//! What an instruction asks for.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsFd;

use rustix::fs::Mode;

use super::attributes::give_owner;
use super::place::{ROOT, create, directory, is_directory, place, resolved};
use super::source::Copy;
use super::{CopyError, CopyOptions, Owner, archive};
use crate::context::Selection;
use crate::view::{View, clean, shown};

/// Copies all that was selected into a writable view.
///
/// # Errors
/// [`CopyError`], naming the file. What was copied before stays in the view.
pub fn apply(
    selection: &Selection<'_>,
    view: &View,
    options: &CopyOptions,
) -> Result<(), CopyError> {
    let to = &options.destination;
    if selection.found.len() > 1 && !to.is_directory && !is_directory(view, &to.names)? {
        return Err(CopyError::NeedsDirectory(options.instruction));
    }
    for found in &selection.found {
        if let Some(scratch) = &options.unpack
            && archive::unpack(found, selection.tree, view, options, scratch)?
        {
            continue;
        }
        Copy::new(selection.tree, view, options).source(found, selection)?;
    }
    Ok(())
}

/// Writes one file, as heredocs of `COPY` make them: mode 0644 unless `--chmod` says otherwise,
/// belonging to root unless `--chown` does.
///
/// # Errors
/// [`CopyError`], naming the file.
pub fn write(
    name: &str,
    content: &[u8],
    view: &View,
    options: &CopyOptions,
) -> Result<(), CopyError> {
    let (directory, path, name) = place(view, options, name.as_bytes())?;
    let failed = |error| CopyError::write(&path, error);
    let file = create(directory.as_fd(), &name, &path)?;
    File::from(file.try_clone().map_err(|source| CopyError::Write {
        path: shown(&path),
        source,
    })?)
    .write_all(content)
    .map_err(|source| CopyError::Write {
        path: shown(&path),
        source,
    })?;
    give_owner(file.as_fd(), options.owner.unwrap_or(ROOT)).map_err(failed)?;
    let mode = options
        .mode
        .as_ref()
        .map_or(0o644, |m| m.apply(0o644, false));
    rustix::fs::fchmod(&file, Mode::from_raw_mode(mode)).map_err(failed)
}

/// Makes a directory of the image and those that it is in, mode 0755, as `WORKDIR` does; true when
/// it was not there.
///
/// # Errors
/// [`CopyError`]: something else is in its place, or it cannot be made.
pub fn make_directory(view: &View, path: &str, owner: Owner) -> Result<bool, CopyError> {
    let names = resolved(view, &clean(path.as_bytes()))?.0;
    let mut made = false;
    directory(view, &names, owner, &mut made)?;
    Ok(made)
}
