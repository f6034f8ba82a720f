//! `update`: limits and the restart policy of a container, running or not.
//!
//! ```text
//!  record + changes ──merge (pure, Docker's refusals)──▶ record on disk ──Updated──▶ monitor
//!      ▲                                                                   │ cgroup; its own copy
//!      └──────────────── as it was, where the kernel refuses ◀─────────────┘
//! ```
//!
//! The monitor does it because it also restarts the container: it is at no moment in between.

use rbox_runtime::cgroup;

use super::claim::{Claim, claim};
use super::event::Event;
use super::failure::{Context, Failure};
use super::protocol::Request;
use super::record::Record;
use super::request::{HostConfig, RestartPolicy};
use super::{Engine, connection, containers, json_file, validate};

/// What `update` was given; 0 and an empty text change nothing, as in Docker.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct Changes {
    /// `--cpu-period`, microseconds.
    pub cpu_period: i64,
    /// `--cpu-quota`, microseconds.
    pub cpu_quota: i64,
    /// `--cpu-shares`.
    pub cpu_shares: i64,
    /// `--cpus`, billionths.
    pub nano_cpus: i64,
    /// `--cpuset-cpus`.
    pub cpuset_cpus: String,
    /// `--cpuset-mems`.
    pub cpuset_mems: String,
    /// `--memory`, bytes.
    pub memory: i64,
    /// `--memory-reservation`, bytes.
    pub memory_reservation: i64,
    /// `--memory-swap`, bytes; -1 unlimited.
    pub memory_swap: i64,
    /// `--pids-limit`; 0 and -1 unlimited.
    pub pids_limit: Option<i64>,
    /// `--restart`.
    pub restart: Option<RestartPolicy>,
}

impl Engine {
    /// Changes a container; at once if it runs.
    ///
    /// # Errors
    /// What is refused, by us or by the kernel; nothing is changed then.
    pub fn update(&self, name: &str, changes: &Changes) -> Result<(), Failure> {
        let id = containers::find(&self.dirs, name)?.record.id;
        let record = match claim(&self.dirs, &id)? {
            Claim::Running => {
                let (before, after) = self.rewrite(&id, changes)?;
                self.make_known(&id).inspect_err(|_| {
                    // What the container has then is what its record says.
                    let _ = self.write_host(&id, &after.host, before.host);
                })?;
                after
            }
            // Nobody starts it before the record is written.
            Claim::Ours(lock) => {
                let rewritten = self.rewrite(&id, changes);
                let run_dir = self.dirs.run(&id);
                lock.remove_dir(&run_dir)
                    .context(|| format!("remove {}", run_dir.display()))?;
                rewritten?.1
            }
        };
        self.happened(&Event::container("update", &record));
        Ok(())
    }

    fn rewrite(&self, id: &str, changes: &Changes) -> Result<(Record, Record), Failure> {
        let gone = || Failure::no_such_container(id);
        let _lock = containers::lock_record(&self.dirs, id)?.ok_or_else(gone)?;
        let dir = self.dirs.container(id);
        let before = containers::read_record(&dir)?.ok_or_else(gone)?;
        let mut after = before.clone();
        merge(&mut after.host, changes, cgroup::supports_swap_limit())
            .map_err(|failure| cannot(id, failure))?;
        validate::limits(&after.host)?;
        let path = dir.join("config.json");
        json_file::write(&path, &after).context(|| format!("write {}", path.display()))?;
        Ok((before, after))
    }

    fn make_known(&self, id: &str) -> Result<(), Failure> {
        let answer = connection::ask(&self.dirs, id, Request::Updated);
        match answer.map_err(|failure| cannot(id, failure))? {
            Some(_) => Ok(()),
            // Ended meanwhile: the record alone counts.
            None if !super::claim::is_running(&self.dirs, id)? => Ok(()),
            None => Err(cannot(id, Failure::new("its monitor cannot do that"))
                .hint("the container was started by an older rbox: restart it")),
        }
    }

    fn write_host(&self, id: &str, now: &HostConfig, host: HostConfig) -> Result<(), Failure> {
        let _lock = containers::lock_record(&self.dirs, id)?;
        let dir = self.dirs.container(id);
        match containers::read_record(&dir)? {
            // Unless somebody else has changed it since.
            Some(record) if record.host == *now => {
                let path = dir.join("config.json");
                json_file::write(&path, &Record { host, ..record })
                    .context(|| format!("write {}", path.display()))
            }
            _ => Ok(()),
        }
    }
}

fn cannot(id: &str, failure: Failure) -> Failure {
    Failure {
        message: format!("Cannot update container {id}: {}", failure.message),
        ..failure
    }
}

/// Puts the changes in, or refuses them with Docker's texts. `swap_limit` is whether the kernel can
/// limit swap.
fn merge(host: &mut HostConfig, changes: &Changes, swap_limit: bool) -> Result<(), Failure> {
    conflicts(host, changes)?;
    let number = |known: &mut i64, new: i64| {
        if new != 0 {
            *known = new;
        }
    };
    if changes.memory != 0 && swap_limit {
        let swap = swap_in_force(host);
        if changes.memory_swap == 0 && swap >= 0 {
            if changes.memory > swap {
                return Err(Failure::new(
                    "Memory limit should be smaller than already set memoryswap limit, update \
                     the memoryswap at the same time",
                ));
            }
            // What followed from the limit so far does not follow from the new one.
            host.memory_swap = swap;
        }
    }
    number(&mut host.memory, changes.memory);
    number(&mut host.memory_swap, changes.memory_swap);
    number(&mut host.memory_reservation, changes.memory_reservation);
    number(&mut host.cpu_period, changes.cpu_period);
    number(&mut host.cpu_quota, changes.cpu_quota);
    number(&mut host.cpu_shares, changes.cpu_shares);
    number(&mut host.nano_cpus, changes.nano_cpus);
    for (known, new) in [
        (&mut host.cpuset_cpus, &changes.cpuset_cpus),
        (&mut host.cpuset_mems, &changes.cpuset_mems),
    ] {
        if !new.is_empty() {
            known.clone_from(new);
        }
    }
    if let Some(limit) = changes.pids_limit {
        host.pids_limit = if limit <= 0 { -1 } else { limit };
    }
    if let Some(policy) = changes.restart {
        if host.auto_remove && policy != RestartPolicy::No {
            return Err(Failure::new(
                "Restart policy cannot be updated because AutoRemove is enabled for the container",
            ));
        }
        host.restart = policy;
    }
    Ok(())
}

fn conflicts(host: &HostConfig, changes: &Changes) -> Result<(), Failure> {
    for (new, known, text) in [
        (
            changes.nano_cpus,
            host.cpu_period,
            "Nano CPUs cannot be updated as CPU Period has already been set",
        ),
        (
            changes.nano_cpus,
            host.cpu_quota,
            "Nano CPUs cannot be updated as CPU Quota has already been set",
        ),
        (
            changes.cpu_period,
            host.nano_cpus,
            "CPU Period cannot be updated as NanoCPUs has already been set",
        ),
        (
            changes.cpu_quota,
            host.nano_cpus,
            "CPU Quota cannot be updated as NanoCPUs has already been set",
        ),
    ] {
        if new > 0 && known > 0 {
            return Err(Failure::new(format!("Conflicting options: {text}")));
        }
    }
    Ok(())
}

/// Memory and swap together; -1 without a limit, 0 where neither has one.
fn swap_in_force(host: &HostConfig) -> i64 {
    match host.memory_swap {
        0 => host.memory.saturating_mul(2),
        swap => swap,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: i64 = 1 << 20;

    fn merged(host: HostConfig, changes: Changes) -> Result<HostConfig, String> {
        let mut host = host;
        merge(&mut host, &changes, true)
            .map(|()| host)
            .map_err(|failure| failure.message)
    }

    fn memory(memory: i64, swap: i64) -> HostConfig {
        HostConfig {
            memory,
            memory_swap: swap,
            ..HostConfig::default()
        }
    }

    fn to_memory(memory: i64, swap: i64) -> Changes {
        Changes {
            memory,
            memory_swap: swap,
            ..Changes::default()
        }
    }

    #[test]
    fn what_is_not_named_stays() {
        let host = HostConfig {
            memory: 64 * MIB,
            cpu_shares: 512,
            cpuset_cpus: "0".into(),
            restart: RestartPolicy::Always,
            ..HostConfig::default()
        };
        assert_eq!(merged(host.clone(), Changes::default()), Ok(host.clone()));
        let changes = Changes {
            cpu_shares: 100,
            pids_limit: Some(0),
            restart: Some(RestartPolicy::No),
            ..Changes::default()
        };
        let expected = HostConfig {
            cpu_shares: 100,
            pids_limit: -1,
            restart: RestartPolicy::No,
            ..host.clone()
        };
        assert_eq!(merged(host, changes), Ok(expected));
    }

    #[test]
    fn memory_does_not_outgrow_the_swap_limit_that_is_there() {
        for (host, changes, expected) in [
            (memory(0, 0), to_memory(128 * MIB, 0), None),
            (
                memory(0, 0),
                to_memory(128 * MIB, 256 * MIB),
                Some((128, 256)),
            ),
            (
                memory(64 * MIB, 0),
                to_memory(128 * MIB, 0),
                Some((128, 128)),
            ),
            (memory(64 * MIB, 0), to_memory(129 * MIB, 0), None),
            (memory(64 * MIB, 0), to_memory(32 * MIB, 0), Some((32, 128))),
        ] {
            let result = merged(host, changes);
            match expected {
                Some((memory, swap)) => {
                    let host = result.unwrap();
                    assert_eq!((host.memory, host.memory_swap), (memory * MIB, swap * MIB));
                }
                None => assert!(
                    result
                        .unwrap_err()
                        .starts_with("Memory limit should be smaller")
                ),
            }
        }
        // Without a limit of swap any memory will do.
        let host = merged(memory(64 * MIB, -1), to_memory(1024 * MIB, 0)).unwrap();
        assert_eq!((host.memory, host.memory_swap), (1024 * MIB, -1));
    }

    #[test]
    fn two_ways_to_say_a_share_of_the_processor_exclude_each_other() {
        let host = HostConfig {
            nano_cpus: 1_000_000_000,
            ..HostConfig::default()
        };
        let changes = Changes {
            cpu_quota: 50_000,
            ..Changes::default()
        };
        assert_eq!(
            merged(host, changes).unwrap_err(),
            "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set"
        );
        let host = HostConfig {
            auto_remove: true,
            ..HostConfig::default()
        };
        let changes = Changes {
            restart: Some(RestartPolicy::Always),
            ..Changes::default()
        };
        assert!(
            merged(host, changes)
                .unwrap_err()
                .starts_with("Restart policy cannot")
        );
    }
}
