//! v1's cpuset: a new group has no CPU and no memory node, and no process can
//! join it before it has.

use super::super::control_file::{read, write};
use std::io;
use std::path::Path;

/// Gives the group what its parent has, and the parents what theirs have, as
/// far as they have nothing.
///
/// `cgroup.clone_children` of a parent makes the kernel do it for all later
/// groups, so that they cost one read here. It is set last, when the parent has
/// both, so that who sees CPUs in a cloned group can count on memory nodes.
pub(super) fn inherit(mount: &Path, directory: &Path) -> io::Result<()> {
    if directory == mount || !is_empty(directory, "cpuset.cpus")? {
        return Ok(());
    }
    let Some(parent) = directory.parent() else {
        return Ok(());
    };
    inherit(mount, parent)?;
    for file in ["cpuset.mems", "cpuset.cpus"] {
        write(&directory.join(file), read(&parent.join(file))?.trim())?;
    }
    if parent != mount {
        // Only makes the next one faster; it may be forbidden.
        let _ = write(&parent.join("cgroup.clone_children"), "1");
    }
    Ok(())
}

fn is_empty(directory: &Path, file: &str) -> io::Result<bool> {
    Ok(read(&directory.join(file))?.trim().is_empty())
}
