//! Mount points that the runtime made: empty files and directories, and the times of the
//! directories that they were made in.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::FileType;

use super::{Upper, UpperError, children, failed, look};
use crate::layer::WalkError;
use crate::view::View;

/// Names of stubs that nobody used, and of directories that hold nothing else and are otherwise as
/// those below.
pub(super) fn left_out(
    upper: &Upper<'_>,
    below: &View,
    root: &OwnedFd,
) -> Result<BTreeSet<Vec<u8>>, UpperError> {
    let mut out = BTreeSet::new();
    let stubs = upper.stubs.iter().map(|stub| stub.as_bytes());
    let parents = upper.stubs.iter().flat_map(|stub| parents(stub.as_bytes()));
    let mut names: Vec<&[u8]> = stubs.chain(parents).collect();
    // What is in a directory before the directory.
    names.sort_unstable_by_key(|name| std::cmp::Reverse(name.len()));
    names.dedup();
    for name in names {
        let unused = unused(upper, below, root, name, &out);
        if unused.map_err(|error| failed(name, error))? {
            out.insert(name.to_vec());
        }
    }
    Ok(out)
}

/// Whether something directly in the directory `name` is left out.
pub(super) fn parent_of_some(left_out: &BTreeSet<Vec<u8>>, name: &[u8]) -> bool {
    left_out
        .iter()
        .any(|stub| parents(stub).next().is_some_and(|parent| parent == name))
}

fn unused(
    upper: &Upper<'_>,
    below: &View,
    root: &OwnedFd,
    name: &[u8],
    out: &BTreeSet<Vec<u8>>,
) -> Result<bool, WalkError> {
    let Some(stat) = look(root, name)? else {
        return Ok(false);
    };
    let is_stub = upper.stubs.iter().any(|stub| stub.as_bytes() == name);
    match FileType::from_raw_mode(stat.st_mode) {
        // While the container runs something is mounted on it: nobody writes to it.
        FileType::RegularFile => Ok(is_stub && stat.st_size == 0),
        FileType::Directory => {
            let children = children(root, name)?;
            let all_out = |child: &Vec<u8>| out.contains(&[name, b"/", child].concat());
            if !children.iter().all(all_out) || (children.is_empty() && !is_stub) {
                return Ok(false);
            }
            let known = look(below.as_fd(), name)?;
            Ok(known.is_none_or(|known| upper.same(&stat, &known, true)))
        }
        _ => Ok(false),
    }
}

/// Directories that a name is in, the nearest first.
fn parents(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let slashes = name
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, byte)| **byte == b'/');
    slashes.map(|(at, _)| &name[..at])
}
