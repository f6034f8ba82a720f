//! Limits, devices, logging and the restart policy of a service.

use super::At;
use crate::cli::parse::{device, logging, restart, sysctl, tmpfs, ulimit};
use crate::engine::Failure;
use crate::engine::request::HostConfig;

/// Sets them.
pub fn set(at: &At<'_>, host: &mut HostConfig) -> Result<(), Failure> {
    let service = at.service;
    host.memory = service.memory.unwrap_or_default();
    host.memory_swap = service.memory_swap.unwrap_or_default();
    host.memory_reservation = service.memory_reservation.unwrap_or_default();
    host.nano_cpus = service.nano_cpus.unwrap_or_default();
    host.cpu_shares = service.cpu_shares.unwrap_or_default();
    host.cpu_quota = service.cpu_quota.unwrap_or_default();
    host.cpu_period = service.cpu_period.unwrap_or_default();
    host.cpuset_cpus = service.cpuset.clone().unwrap_or_default();
    host.pids_limit = service.pids_limit.unwrap_or_default();
    host.shm_size = service.shm_size.unwrap_or_default();
    host.cgroup_parent = service.cgroup_parent.clone().unwrap_or_default();
    host.oom_score_adj = service.oom_score_adj.unwrap_or_default();
    if !(-1000..=1000).contains(&host.oom_score_adj) {
        let why = format!("{} is not between -1000 and 1000", host.oom_score_adj);
        return Err(at.refuse("oom_score_adj", why));
    }
    for (name, (soft, hard)) in &service.ulimits {
        let limit = ulimit::ulimit(&format!("{name}={soft}:{hard}"));
        let limit = limit.map_err(|error| at.refuse("ulimits", error))?;
        host.ulimits.push(limit);
    }
    for (name, value) in &service.sysctls {
        let pair = sysctl::sysctl(&format!("{name}={value}"));
        let (name, value) = pair.map_err(|error| at.refuse("sysctls", error))?;
        host.sysctls.insert(name, value);
    }
    for text in &service.devices {
        let device = device::device(text).map_err(|error| at.refuse("devices", error))?;
        host.devices.push(device);
    }
    for text in &service.tmpfs {
        let (path, options) = tmpfs::tmpfs(text).map_err(|error| at.refuse("tmpfs", error))?;
        host.tmpfs.insert(path, options);
    }
    host.log_opts.clone_from(&service.log_options);
    let driver = service.log_driver.as_deref().unwrap_or_default();
    host.log_driver =
        logging::driver(driver, &host.log_opts).map_err(|error| at.refuse("logging", error))?;
    let policy = service.restart.as_deref().unwrap_or_default();
    host.restart = restart::policy(policy, false).map_err(|error| at.refuse("restart", error))?;
    Ok(())
}
