//! Making a group in every hierarchy, with its limits, or not at all.

use super::hierarchy::{Hierarchy, Plan};
use super::layout::Layout;
use super::path::CgroupPath;
use super::{Cgroup, CgroupError, asked, control_file, made, remove, tree};
use oci_spec::runtime::LinuxResources;
use rustix::io::Errno;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// How often to begin again when others remove the parent in between. Each time
/// somebody else made progress.
const ATTEMPTS: usize = 100;

/// [`Cgroup::create`] on any machine's hierarchies.
pub(super) fn create(
    layout: Arc<Layout>,
    path: &str,
    resources: &LinuxResources,
) -> Result<Cgroup, CgroupError> {
    let path = CgroupPath::parse(path)?;
    let plans = plans(&layout, resources)?;
    let cgroup = Cgroup {
        path,
        layout,
        within: None,
    };
    for (index, (one, plan)) in cgroup.members().zip(&plans).enumerate() {
        let made = make(one, &cgroup.path);
        let own = made.is_ok();
        let done = made.and_then(|()| {
            one.prepare(&cgroup.path, plan.controllers)?;
            one.apply(&cgroup.path, plan)
        });
        if let Err(error) = done {
            // What was there before is not ours to remove.
            for made in cgroup.members().take(index + usize::from(own)) {
                remove::undo(made, &cgroup.path);
            }
            return Err(error);
        }
    }
    Ok(cgroup)
}

/// What each hierarchy is to do, in their order.
pub(super) fn plans(layout: &Layout, resources: &LinuxResources) -> Result<Vec<Plan>, CgroupError> {
    asked::check(layout, resources)?;
    let needed = asked::controllers(resources);
    layout
        .members()
        .map(|one| {
            let mut plan = one.plan(resources)?;
            plan.controllers = needed
                .iter()
                .filter(|needed| one.controllers().contains(*needed))
                .collect();
            Ok(plan)
        })
        .collect()
}

/// Makes the group's directory in one hierarchy, and the missing ones above it.
fn make(one: &dyn Hierarchy, path: &CgroupPath) -> Result<(), CgroupError> {
    let directory = one.directory(path);
    for _ in 0..ATTEMPTS {
        match mkdir(&directory) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // In use, or left over from somebody who died.
                if !tree::processes(&directory).is_empty() {
                    return Err(CgroupError::Busy(path.absolute().to_owned()));
                }
                match tree::remove(&directory) {
                    Ok(()) => {}
                    Err(error) if control_file::vanished(&error) => {}
                    Err(error) if tree::in_use(&error) => {
                        return Err(CgroupError::Busy(path.absolute().to_owned()));
                    }
                    Err(source) => return Err(CgroupError::Make { directory, source }),
                }
            }
            // The parent is missing, or was removed as we looked.
            Err(error) if control_file::vanished(&error) => make_parents(one, path)?,
            Err(source) => return Err(CgroupError::Make { directory, source }),
        }
    }
    Err(CgroupError::Make {
        directory,
        source: Errno::NODEV.into(),
    })
}

/// The same, but a directory that is there is left as it is.
pub(super) fn make_or_keep(one: &dyn Hierarchy, path: &CgroupPath) -> Result<(), CgroupError> {
    make_parents(one, path)?;
    let directory = one.directory(path);
    match mkdir(&directory) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
            Err(CgroupError::Make { directory, source })
        }
        _ => Ok(()),
    }
}

fn make_parents(one: &dyn Hierarchy, path: &CgroupPath) -> Result<(), CgroupError> {
    for directory in path.parents(one.mount()) {
        match mkdir(&directory) {
            Ok(()) => {
                made::mark(&directory);
                match one.made_parent(&directory) {
                    // Somebody removed it, empty as it was: the caller begins again.
                    Err(error) if control_file::vanished(&error) => return Ok(()),
                    Err(source) => return Err(CgroupError::Make { directory, source }),
                    Ok(()) => {}
                }
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // The one above it vanished meanwhile: the caller begins again.
            Err(error) if control_file::vanished(&error) => return Ok(()),
            Err(source) => return Err(CgroupError::Make { directory, source }),
        }
    }
    Ok(())
}

fn mkdir(directory: &Path) -> io::Result<()> {
    Ok(rustix::fs::mkdir(
        directory,
        rustix::fs::Mode::from_raw_mode(0o755),
    )?)
}
