//! The content of one file, without filling its holes.

use std::os::fd::BorrowedFd;

use rustix::fs::{SeekFrom, copy_file_range, ftruncate, seek, sendfile};
use rustix::io::Errno;

/// Copies what lies before `size`, and makes the copy that long; false when the source turned out
/// to be shorter.
pub(super) fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>, size: u64) -> Result<bool, Errno> {
    let mut at = 0;
    while at < size {
        let Some((start, end)) = next_range(from, at, size)? else {
            break;
        };
        if !copy_range(from, to, start, end)? {
            return Ok(false);
        }
        at = end;
    }
    ftruncate(to, size)?;
    Ok(true)
}

/// The filesystem may share the blocks (`copy_file_range(2)`); else the kernel copies them.
fn copy_range(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    start: u64,
    end: u64,
) -> Result<bool, Errno> {
    let (mut read_at, mut write_at) = (start, start);
    let mut shares = true;
    while read_at < end {
        let wanted = usize::try_from(end - read_at).unwrap_or(usize::MAX);
        if shares {
            match copy_file_range(from, Some(&mut read_at), to, Some(&mut write_at), wanted) {
                // Some filesystems say that they copied nothing where they cannot.
                Ok(0) => {}
                Ok(_) => continue,
                Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
                Err(error) => return Err(error),
            }
            shares = false;
            seek(to, SeekFrom::Start(read_at))?;
        }
        if sendfile(to, from, Some(&mut read_at), wanted)? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The next stretch of data from `at` on.
fn next_range(file: BorrowedFd<'_>, at: u64, size: u64) -> Result<Option<(u64, u64)>, Errno> {
    let start = match seek(file, SeekFrom::Data(at)) {
        Ok(start) => start,
        Err(Errno::NXIO) => return Ok(None),
        // A filesystem that does not tell.
        Err(Errno::INVAL) => return Ok(Some((at, size))),
        Err(error) => return Err(error),
    };
    let end = seek(file, SeekFrom::Hole(start))?.min(size);
    Ok((start < end).then_some((start, end)))
}
