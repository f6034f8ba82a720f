//! What a process that outlives its user must not take along.

use std::io;

use super::sys;

/// Closes every descriptor but the standard streams. To be called first in
/// `main`, while nothing is open that this program opened itself.
///
/// # Errors
/// As close_range.
pub fn close() -> io::Result<()> {
    sys::close_from(3)
}
