//! A rename, so that whoever dies over it leaves no name taken.
//!
//! ```text
//!  renaming: old, new ─▶ names/new ─▶ record: new ─▶ names/old given back ─▶ no renaming
//! ```
//!
//! Of the two names that are written down the container keeps the one that its record has.

use std::fs;
use std::io;
use std::path::Path;

use super::dirs::Dirs;
use super::failure::{Context, Failure};
use super::names;

/// In the container's directory, for as long as it is renamed: its names, a line each.
const MARKER: &str = "renaming";

/// Writes down that a container gets another name. The caller holds its record's lock.
pub fn begin(dir: &Path, old: &str, new: &str) -> Result<(), Failure> {
    let path = dir.join(MARKER);
    fs::write(&path, format!("{old}\n{new}\n")).context(|| format!("write {}", path.display()))
}

/// Gives back whichever of the two names is not `kept`. Without a rename it is one look at a file
/// that is not there.
pub fn settle(dirs: &Dirs, dir: &Path, id: &str, kept: &str) -> Result<(), Failure> {
    let path = dir.join(MARKER);
    let both = match fs::read_to_string(&path) {
        Ok(both) => both,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).context(|| format!("read {}", path.display())),
    };
    for name in both.lines().filter(|name| *name != kept) {
        // What is written there is a name; a torn line is nobody's.
        if names::check(name, name).is_ok() {
            names::release(dirs, name, id)?;
        }
    }
    fs::remove_file(&path).context(|| format!("remove {}", path.display()))
}
