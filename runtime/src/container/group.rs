//! The cgroup of a container that is being made: ours from the start, or
//! systemd's, which comes to be around the process.

use oci_spec::runtime::{LinuxResources, Spec};

use super::CreateError;
use super::early_cgroup::EarlyCgroup;
use crate::cgroup::systemd::{self, Scope};
use crate::cgroup::{Cgroup, CgroupError, JoinTarget};
use crate::spec::defaults;

/// Where the cgroup comes from.
#[derive(Debug)]
pub(super) enum Group {
    /// It is there, with its limits.
    Made(Cgroup),
    /// systemd shall make it.
    Scope {
        /// Where it will be in each hierarchy.
        path: String,
        /// The configuration's name for it.
        asked: String,
        resources: Box<LinuxResources>,
    },
}

impl Group {
    /// Makes it, unless systemd shall or it is made already.
    pub(super) fn prepare(
        spec: &Spec,
        id: &str,
        by_systemd: bool,
        early: Option<EarlyCgroup>,
    ) -> Result<Self, CreateError> {
        if let Some(made) = early.and_then(EarlyCgroup::made) {
            return Ok(Self::Made(made?));
        }
        let linux = spec.linux().as_ref();
        let resources = linux.and_then(|linux| linux.resources().clone());
        let resources = with_standard_devices(resources.unwrap_or_default());
        let path = cgroup_path(spec, id, by_systemd)?;
        if by_systemd {
            return Ok(Self::Scope {
                path,
                asked: asked(spec),
                resources: Box::new(resources),
            });
        }
        Ok(Self::Made(Cgroup::create(&path, &resources)?))
    }

    /// Its name in each hierarchy, with a leading slash.
    pub(super) fn path(&self) -> &str {
        match self {
            Self::Made(cgroup) => cgroup.path(),
            Self::Scope { path, .. } => path,
        }
    }

    /// What the process needs to join; nothing where systemd moves it.
    pub(super) fn join_target(&self) -> Result<JoinTarget, CreateError> {
        Ok(match self {
            Self::Made(cgroup) => cgroup.join_target()?,
            Self::Scope { .. } => JoinTarget {
                unified: None,
                tasks: Vec::new(),
            },
        })
    }

    /// Whether the process has to wait until the group is there.
    pub(super) fn comes_later(&self) -> bool {
        matches!(self, Self::Scope { .. })
    }

    /// The group, now that there is the process `pid`.
    pub(super) fn around(&self, id: &str, pid: i32) -> Result<Cgroup, CreateError> {
        Ok(match self {
            Self::Made(cgroup) => cgroup.clone(),
            Self::Scope {
                asked, resources, ..
            } => Cgroup::create_in_scope(asked, id, pid, resources)?,
        })
    }

    /// Undoes [`Self::prepare`].
    pub(super) fn undo(&self) {
        if let Self::Made(cgroup) = self {
            // The first error is the one to tell.
            let _ = cgroup.delete();
        }
    }
}

/// A container's cgroup in each hierarchy, with a leading slash.
pub(crate) fn cgroup_path(spec: &Spec, id: &str, by_systemd: bool) -> Result<String, CgroupError> {
    let asked = asked(spec);
    if by_systemd {
        systemd::available().map_err(systemd::SystemdError::from)?;
        return Ok(Scope::for_container(&asked, id)?.cgroup_path());
    }
    Ok(match asked.as_str() {
        // Without a parent of its own, which would have to be made in each
        // hierarchy and removed again.
        "" => format!("/rbox-{id}"),
        path => format!("/{}", path.trim_start_matches('/')),
    })
}

/// `linux.cgroupsPath`, empty without.
fn asked(spec: &Spec) -> String {
    let linux = spec.linux().as_ref();
    let path = linux.and_then(|linux| linux.cgroups_path().as_ref());
    path.map(|path| path.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Where devices are restricted, those that every container has stay usable
/// (runtime-spec, "Default Devices"), whatever the list of the configuration.
pub(super) fn with_standard_devices(mut resources: LinuxResources) -> LinuxResources {
    if let Some(rules) = resources.devices_mut().as_mut().filter(|r| !r.is_empty()) {
        // The last rule for a device counts; what no later one denies is there.
        let denied = rules.iter().rposition(|rule| !rule.allow());
        let after = denied.map_or(0, |index| index + 1);
        let missing: Vec<_> = defaults::standard_device_rules()
            .into_iter()
            .filter(|rule| !rules[after..].contains(rule))
            .collect();
        rules.extend(missing);
    }
    resources
}
