//! What a container's control group is to be, known as soon as its request is.

use oci_spec::runtime::LinuxResources;
use rbox_runtime::cgroup;
use serde::{Deserialize, Serialize};

use super::containers::cgroup_path;
use super::failure::Failure;
use super::request::HostConfig;
use super::{devices, lower};

/// A control group that is not there yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CgroupPlan {
    /// Relative to the hierarchies.
    pub path: String,
    /// Limits, and the devices that may be used.
    pub resources: LinuxResources,
}

impl CgroupPlan {
    /// That of the container with this id.
    ///
    /// # Errors
    /// A device that is asked for is not there.
    pub fn of(host: &HostConfig, id: &str) -> Result<CgroupPlan, Failure> {
        let devices = devices::requested(host)?;
        Ok(CgroupPlan {
            path: cgroup_path(&host.cgroup_parent, id),
            resources: lower::resources(host, &devices, limits_swap(host)),
        })
    }
}

/// Whether a limit of memory is one of swap, too.
pub fn limits_swap(host: &HostConfig) -> bool {
    host.memory > 0 && cgroup::supports_swap_limit()
}
