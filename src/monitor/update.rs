//! `update`, at the container's own monitor: its record has been written anew.

use rbox_runtime::cgroup;

use super::start::Phase;
use super::supervise::Supervisor;
use super::teardown;
use crate::engine::failure::{Context, Failure};
use crate::engine::request::{HostConfig, RestartPolicy};
use crate::engine::{containers, lower};

impl Supervisor {
    /// Takes over the limits and the restart policy that the record has now. The limits stay as
    /// they were where the kernel refuses one.
    pub fn updated(&self) -> Result<(), Failure> {
        let mut live = self.live.borrow_mut();
        if live.phase != Phase::Runs {
            // The next run reads the record, but for what decides whether there is one.
            let dir = live.engine.dirs.container(&live.record.id);
            if let Some(record) = containers::read_record(&dir)? {
                live.record.host.restart = record.host.restart;
            }
            return Ok(());
        }
        let dir = live.engine.dirs.container(&live.record.id);
        let Some(record) = containers::read_record(&dir)? else {
            return Ok(());
        };
        if limits(&record.host) != limits(&live.record.host) {
            let limits = lower::limits(&record.host, cgroup::supports_swap_limit());
            live.running
                .cgroup
                .update(&limits)
                .context(|| "change the limits".into())?;
        }
        let policy = std::mem::replace(&mut live.record.host, record.host).restart;
        if policy != live.record.host.restart && live.record.host.restart != RestartPolicy::No {
            teardown::write_ahead(&live)
                .context(|| format!("write the state of container {}", live.record.id))?;
        }
        Ok(())
    }
}

/// The settings that are the control group's.
fn limits(host: &HostConfig) -> impl PartialEq {
    (
        [
            host.memory,
            host.memory_swap,
            host.memory_reservation,
            host.nano_cpus,
            host.cpu_shares,
            host.cpu_quota,
            host.cpu_period,
            host.pids_limit,
        ],
        host.cpuset_cpus.clone(),
        host.cpuset_mems.clone(),
    )
}
