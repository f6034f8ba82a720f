//! Files of v2 by their names.

use super::super::super::CgroupError;
use super::super::super::hierarchy::{Controller, Controllers};
use super::super::super::setting::{Setting, Settings};
use super::unsupported;
use oci_spec::runtime::LinuxResources;

/// Files of every group that limit nothing: they move, stop or kill processes,
/// or take controllers away.
const NO_LIMITS: [&str; 6] = [
    "cgroup.procs",
    "cgroup.threads",
    "cgroup.kill",
    "cgroup.freeze",
    "cgroup.type",
    "cgroup.subtree_control",
];

/// In the order of their names, a write for each line.
pub(super) fn settings(
    resources: &LinuxResources,
    here: Controllers,
    settings: &mut Settings,
) -> Result<(), CgroupError> {
    let mut files: Vec<_> = resources.unified().iter().flatten().collect();
    files.sort_unstable();
    for (file, value) in files {
        let what = format!("unified resource {file:?}");
        let Some(prefix) = prefix(file) else {
            return Err(CgroupError::Invalid {
                what: "unified resource",
                why: format!("{file:?} is not the name of a control file"),
            });
        };
        if NO_LIMITS.contains(&file.as_str()) {
            return Err(CgroupError::Invalid {
                what: "unified resource",
                why: format!("{file:?} is no limit"),
            });
        }
        let known = Controller::named(prefix).is_some_and(|one| here.contains(one));
        if prefix != "cgroup" && !known {
            let why = format!("cgroup v2 has no {prefix} controller here");
            return Err(unsupported(&what, why));
        }
        for line in value.lines() {
            settings.0.push(Setting::new(&what, file.as_str(), line));
        }
    }
    Ok(())
}

/// The controllers whose files are named.
pub(in super::super::super) fn controllers(resources: &LinuxResources) -> Controllers {
    resources
        .unified()
        .iter()
        .flatten()
        .filter_map(|(file, _)| Controller::named(prefix(file)?))
        .collect()
}

/// The name of the controller that a file belongs to; `None` when it cannot be
/// the name of a control file.
fn prefix(file: &str) -> Option<&str> {
    let (prefix, rest) = file.split_once('.')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let named = !prefix.is_empty() && !rest.is_empty() && !rest.contains("..");
    (named && file.chars().all(plain)).then_some(prefix)
}
