//! What the dead left: a free lock means a dead owner, and whoever meets it
//! undoes the owner's journal. Harmless when repeated, also when the one who
//! recovers dies on the way: the run directory with its lock goes last.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use rbox_netsetup::plan::endpoint::addresses;
use rbox_runtime::cgroup::Cgroup;
use serde_json::Value;

use super::containers::{is_alive, lock_record, read_last, read_record, remove_dir, remove_files};
use super::dirs::Dirs;
use super::failure::{Context, Failure};
use super::lock::{Probe, RunLock};
use super::record::{Health, LastState, Record, RunState, short};
use super::user_namespace::lease;
use super::{clock, event, json_file, links, names, portions, undo, volume};

/// Exit code of a container whose monitor was killed: it dies by SIGKILL with it.
pub const KILLED: i32 = 137;

/// Prefix of container directories that are only waiting to be deleted.
pub const RETIRED: &str = ".removing-";

/// What [`sweep`] met.
#[derive(Debug, Default)]
pub struct Swept {
    /// Ids of the containers whose owner lives.
    pub alive: HashSet<String>,
    /// What could not be undone.
    pub failures: Vec<Failure>,
}

/// Undoes every dead owner, also of containers whose record is gone. Goes on
/// after failures.
pub fn sweep(dirs: &Dirs) -> Result<Swept, Failure> {
    let ids = names::ids(&dirs.run_containers())?;
    let looks = portions::map(&ids, |id| {
        let run_dir = dirs.run(id);
        match RunLock::probe(&run_dir) {
            Ok(Probe::Dead(lock)) => recover(dirs, id, lock).map(|()| false),
            // Whoever made it died before making its lock, or will make both again.
            Ok(Probe::Absent) => {
                let _ = fs::remove_dir(&run_dir);
                Ok(false)
            }
            Ok(Probe::Held) => Ok(true),
            Err(error) => Err(Failure::new(format!("lock {}: {error}", run_dir.display()))),
        }
    });
    let mut swept = Swept::default();
    for (id, look) in ids.into_iter().zip(looks) {
        match look {
            Ok(true) => drop(swept.alive.insert(id)),
            Ok(false) => {}
            Err(failure) => swept.failures.push(failure),
        }
    }
    swept.failures.extend(sweep_retired(dirs).err());
    Ok(swept)
}

/// Undoes what this container's monitor left, if it is dead.
///
/// # Errors
/// As [`recover`].
pub fn if_dead(dirs: &Dirs, id: &str) -> Result<(), Failure> {
    let run_dir = dirs.run(id);
    match RunLock::probe(&run_dir).context(|| format!("lock {}", run_dir.display()))? {
        Probe::Dead(lock) => recover(dirs, id, lock),
        Probe::Absent | Probe::Held => Ok(()),
    }
}

/// Undoes what a dead monitor left: its processes, its journal, its run directory.
/// The container then counts as ended, or is gone if it was started with `--rm`.
///
/// # Errors
/// What could not be undone; the journal is then still there for the next one
/// who looks, and the container counts as ended all the same.
pub fn recover(dirs: &Dirs, id: &str, lock: RunLock) -> Result<(), Failure> {
    let run_dir = dirs.run(id);
    let state = run_dir.join("state.json");
    let ran = state.exists();
    let run: Option<RunState> = json_file::read(&state).unwrap_or_default();
    let cgroup = match &run {
        Some(run) => Some(run.cgroup.clone()),
        None => bundle_cgroup(&run_dir),
    };
    let record = read_record(&dirs.container(id));
    let auto_remove = matches!(&record, Ok(Some(record)) if record.host.auto_remove);
    let mut failed: Option<Failure> = None;
    // The end before a restart has been written down.
    let resting = matches!(&run, Some(run) if run.restarting);
    if ran && !resting && !auto_remove && matches!(record, Ok(Some(_))) {
        failed = record_end(&dirs.container(id), run).err();
    }
    if let (true, Ok(Some(record))) = (ran, &record) {
        let code = KILLED.to_string();
        event::of_container(dirs, "die", record, &[("exitCode", &code)]);
    }
    // From here on others see that it has ended.
    let _ = fs::remove_file(&state);
    if let Some(Ok(cgroup)) = cgroup.as_deref().map(Cgroup::open) {
        let killed = cgroup
            .kill_all()
            .map_err(|error| Failure::new(error.to_string()));
        let deleted = cgroup
            .delete()
            .map_err(|error| Failure::new(error.to_string()));
        failed = failed.or(killed.and(deleted).err());
    }
    // In a namespace of somebody else's nothing is named, and so nothing is unnamed.
    if let Ok(Some(record)) = &record {
        volume::mounted::release(dirs, record, id);
    }
    let netns = record
        .ok()
        .flatten()
        .filter(Record::owns_network_namespace)
        .map(|record| netns_path(&record.name));
    failed = failed.or(undo::journal(dirs, id, netns.as_deref()).err());
    if auto_remove {
        failed = failed.or(remove_files(dirs, id).err());
    }
    match failed {
        Some(failure) => Err(Failure::new(format!(
            "clean up after the dead monitor of container {}: {failure}",
            short(id)
        ))),
        None => lock
            .remove_dir(&run_dir)
            .context(|| format!("remove {}", run_dir.display())),
    }
}

fn record_end(dir: &Path, run: Option<RunState>) -> Result<(), Failure> {
    let last = LastState {
        status: "exited".into(),
        exit_code: KILLED,
        error: "the container's monitor was killed".into(),
        finished_at: clock::now(),
        started_at: match &run {
            Some(run) => run.started_at.clone(),
            None => read_last(dir).unwrap_or_default().started_at,
        },
        addresses: run
            .iter()
            .flat_map(|run| &run.sandbox.endpoints)
            .flat_map(addresses)
            .map(|(address, _)| address)
            .collect(),
        restart_count: read_last(dir).unwrap_or_default().restart_count,
        health: run.and_then(|run| run.health).map(Health::ended),
        ..LastState::default()
    };
    let path = dir.join("state.json");
    json_file::write(&path, &last).context(|| format!("write {}", path.display()))
}

/// Where the network namespace of a container is named.
pub fn netns_path(name: &str) -> PathBuf {
    PathBuf::from(format!("/run/netns/rbox-{name}"))
}

/// The cgroup by the bundle, for one that died between making it and saying so.
fn bundle_cgroup(run_dir: &Path) -> Option<String> {
    let spec: Value = json_file::read(&run_dir.join("bundle/config.json")).ok()??;
    spec.pointer("/linux/cgroupsPath")?
        .as_str()
        .map(str::to_owned)
}

/// Removes what is left of a container that was not made to the end: its maker
/// died. True when it was one; false when it is whole, or was finished meanwhile.
pub fn sweep_half_made(dirs: &Dirs, id: &str) -> Result<bool, Failure> {
    let dir = dirs.container(id);
    let whole = || dir.join("config.json").exists();
    // Its maker holds the lock until the record is there.
    if whole() {
        return Ok(false);
    }
    let lock = lock_record(dirs, id)?;
    if whole() {
        return Ok(false);
    }
    names::release_all(dirs, id)?;
    lease::release_all(dirs, id)?;
    if lock.is_some() {
        remove_dir(dirs, &dir)?;
    }
    Ok(true)
}

/// Deletes what somebody retired and did not live to delete.
fn sweep_retired(dirs: &Dirs) -> Result<(), Failure> {
    for (id, path) in retired(&dirs.containers()) {
        // Its monitor still has it in hand.
        if !is_alive(dirs, &id) {
            // He may not have lived to give back what it had, either.
            names::release_all(dirs, &id)?;
            lease::release_all(dirs, &id)?;
            if let Ok(Some(record)) = read_record(&path) {
                links::unregister(dirs, &record)?;
            }
            remove_dir(dirs, &path)?;
        }
    }
    Ok(())
}

fn retired(containers: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(containers).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let id = name.to_str()?.strip_prefix(RETIRED)?.to_owned();
            Some((id, entry.path()))
        })
        .collect()
}
