//! v1's cpuset: a new group has no CPU and no memory node, and no process can
//! join it before it has.

use super::super::control_file::{read, write};
use std::io;
use std::path::Path;

/// Gives the group what its parent has, and the parents what theirs have, as
/// far as they have nothing.
pub(super) fn inherit(mount: &Path, directory: &Path) -> io::Result<()> {
    if directory == mount || !is_empty(directory, "cpuset.cpus")? {
        return Ok(());
    }
    let Some(parent) = directory.parent() else {
        return Ok(());
    };
    inherit(mount, parent)?;
    take(parent, directory)?;
    if parent != mount {
        let_clone(parent);
    }
    Ok(())
}

/// The same for a directory that was just made, so that groups inside it have
/// it all from their beginning.
pub(super) fn fill(mount: &Path, directory: &Path) -> io::Result<()> {
    if let Some(parent) = directory.parent() {
        inherit(mount, parent)?;
        take(parent, directory)?;
        let_clone(directory);
    }
    Ok(())
}

fn take(parent: &Path, directory: &Path) -> io::Result<()> {
    for file in ["cpuset.mems", "cpuset.cpus"] {
        write(&directory.join(file), read(&parent.join(file))?.trim())?;
    }
    Ok(())
}

/// Makes the kernel do it for all later groups inside, so that they cost one
/// read here. It is set last, when there are CPUs and memory nodes, so that who
/// sees CPUs in a cloned group can count on memory nodes.
fn let_clone(directory: &Path) {
    // Only makes the next one faster; it may be forbidden.
    let _ = write(&directory.join("cgroup.clone_children"), "1");
}

fn is_empty(directory: &Path, file: &str) -> io::Result<bool> {
    Ok(read(&directory.join(file))?.trim().is_empty())
}
