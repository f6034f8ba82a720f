//! The content of one file, without filling its holes.

use std::os::fd::BorrowedFd;

use rustix::fs::{SeekFrom, ftruncate, seek, sendfile};
use rustix::io::Errno;

/// Copies what lies before `size`, and makes the copy that long.
pub(super) fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>, size: u64) -> Result<(), Errno> {
    let mut at = 0;
    while at < size {
        let Some((start, end)) = next_range(from, at, size)? else {
            break;
        };
        seek(to, SeekFrom::Start(start))?;
        let mut offset = start;
        while offset < end {
            let wanted = usize::try_from(end - offset).unwrap_or(usize::MAX);
            // Somebody made it shorter meanwhile.
            if sendfile(to, from, Some(&mut offset), wanted)? == 0 {
                return ftruncate(to, offset);
            }
        }
        at = end;
    }
    ftruncate(to, size)
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
