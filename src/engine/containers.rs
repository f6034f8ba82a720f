//! Containers on disk: read, waited for, taken away.

use std::cmp::Reverse;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rbox_netsetup::store::directory_lock::DirectoryLock;

use super::dirs::Dirs;
use super::failure::{Context, Failure};
use super::lock::{self, Probe, RunLock};
use super::record::{self, Container, LastState, Record, RunState};
use super::recover::RETIRED;
use super::user_namespace::lease;
use super::{clock, event, json_file, links, names, portions, recover, renaming, volume};

/// Between two looks at a monitor that cleans up.
const PAUSE: Duration = Duration::from_millis(2);

/// A container by name, id or prefix, as it is now.
pub fn find(dirs: &Dirs, reference: &str) -> Result<Container, Failure> {
    let id = names::resolve(dirs, reference)?;
    load(dirs, &id)?.ok_or_else(|| Failure::no_such_container(reference))
}

/// A container by full id; `None` where there is none (any more).
pub fn load(dirs: &Dirs, id: &str) -> Result<Option<Container>, Failure> {
    let run_dir = dirs.run(id);
    let probe = RunLock::probe(&run_dir).context(|| format!("lock {}", run_dir.display()))?;
    let mut run = None;
    match probe {
        Probe::Absent => {}
        Probe::Held => run = read_run(dirs, id)?,
        Probe::Dead(lock) => recover::recover(dirs, id, lock)?,
    }
    with_record(dirs, id, run)
}

/// As [`load`], of one whose owner was alive a moment ago. If he is not any more he has taken his
/// state with him, or the next look finds him dead.
fn load_alive(dirs: &Dirs, id: &str) -> Result<Option<Container>, Failure> {
    let run = read_run(dirs, id)?;
    with_record(dirs, id, run)
}

fn read_run(dirs: &Dirs, id: &str) -> Result<Option<RunState>, Failure> {
    json_file::read(&dirs.run(id).join("state.json"))
        .context(|| format!("read state of container {id}"))
}

fn with_record(dirs: &Dirs, id: &str, run: Option<RunState>) -> Result<Option<Container>, Failure> {
    let dir = dirs.container(id);
    let Some(record) = read_record(&dir)? else {
        return Ok(None);
    };
    let last = read_last(&dir)?;
    Ok(Some(Container { record, last, run }))
}

/// Containers, and what could not be read or cleaned up.
#[derive(Debug, Default)]
pub struct Survey {
    /// Newest first.
    pub containers: Vec<Container>,
    /// One for each that is damaged.
    pub failures: Vec<Failure>,
}

/// All containers; undoes the dead. One that vanishes meanwhile is left out, and
/// one that is damaged does not hide the others.
pub fn survey(dirs: &Dirs) -> Result<Survey, Failure> {
    let swept = recover::sweep(dirs)?;
    let mut survey = Survey {
        failures: swept.failures,
        ..Survey::default()
    };
    let ids = names::ids(&dirs.containers())?;
    let look = |id: &str| match swept.alive.contains(id) {
        true => load_alive(dirs, id),
        false => load(dirs, id),
    };
    let looks = portions::map(&ids, |id| match look(id) {
        Ok(None) => recover::sweep_half_made(dirs, id).map(|_| None),
        Ok(found) => Ok(found),
        Err(failure) => Err(failure.hint(format!(
            "`rbox rm -f {}` removes what is left of the container",
            record::short(id)
        ))),
    });
    for look in looks {
        match look {
            Ok(found) => survey.containers.extend(found),
            Err(failure) => survey.failures.push(failure),
        }
    }
    // By the time itself: its text has no trailing zeros.
    survey.containers.sort_by_cached_key(|container| {
        let created = clock::parse_nanos(&container.record.created);
        (Reverse(created), container.record.id.clone())
    });
    Ok(survey)
}

/// Takes the writers' lock of a container's record; `None` if the container is gone.
pub fn lock_record(dirs: &Dirs, id: &str) -> Result<Option<DirectoryLock>, Failure> {
    DirectoryLock::existing(&dirs.container(id)).map_err(|error| Failure::new(error.to_string()))
}

/// Whether the container's owner is alive: the test for leases and endpoints.
pub fn is_alive(dirs: &Dirs, id: &str) -> bool {
    matches!(RunLock::probe(&dirs.run(id)), Ok(Probe::Held))
}

/// Whether the container's owner is alive and stays so. One that only cleans up is waited
/// for: what it holds is free then.
pub fn stays_alive(dirs: &Dirs, id: &str) -> bool {
    while is_alive(dirs, id) {
        if !lock::is_ending(&dirs.run(id)) {
            return true;
        }
        std::thread::sleep(PAUSE);
    }
    false
}

/// What runs, by the run directory alone: for a look at others' containers.
pub fn run_state(dirs: &Dirs, id: &str) -> Option<RunState> {
    json_file::read(&dirs.run(id).join("state.json"))
        .ok()
        .flatten()
}

/// `config.json` of a container directory.
pub fn read_record(dir: &Path) -> Result<Option<Record>, Failure> {
    let path = dir.join("config.json");
    json_file::read(&path).context(|| format!("read {}", path.display()))
}

/// `state.json` of a container directory; a fresh one where it never started.
pub fn read_last(dir: &Path) -> Result<LastState, Failure> {
    let path = dir.join("state.json");
    let last = json_file::read(&path).context(|| format!("read {}", path.display()))?;
    Ok(last.unwrap_or_default())
}

/// Removes everything on disk of a container that does not run. The caller
/// holds its run lock.
pub fn remove_files(dirs: &Dirs, id: &str) -> Result<(), Failure> {
    match retire(dirs, id)? {
        Some(retired) => remove_dir(dirs, &retired),
        None => Ok(()),
    }
}

/// Takes a container out of sight, name and all, with one rename: what is left
/// to delete then has time. `None` if it is gone already.
pub fn retire(dirs: &Dirs, id: &str) -> Result<Option<PathBuf>, Failure> {
    let dir = dirs.container(id);
    let retired = dirs.containers().join(format!("{RETIRED}{id}"));
    let renamed = match fs::rename(&dir, &retired) {
        Ok(()) => retired,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::new(format!("remove {}: {error}", dir.display()))),
    };
    // Read now: until the rename somebody may have given it another name.
    match read_record(&renamed) {
        Ok(Some(record)) => {
            names::retire(dirs, &record.name, id, &renamed)?;
            renaming::settle(dirs, &renamed, id, &record.name)?;
            event::of_container(dirs, "destroy", &record, &[]);
            links::unregister(dirs, &record)?;
            lease::release(dirs, &record)?;
            volume::remove::follow(dirs, &renamed, &record)?;
        }
        _ => {
            names::release_all(dirs, id)?;
            lease::release_all(dirs, id)?;
        }
    }
    Ok(Some(renamed))
}

/// Deletes what was retired.
pub fn remove_dir(dirs: &Dirs, retired: &Path) -> Result<(), Failure> {
    if let Ok(Some(record)) = read_record(retired) {
        // Again for one whose remover died before he had done it.
        volume::remove::follow(dirs, retired, &record)?;
        volume::remove::delete(dirs, &record)?;
    }
    match fs::remove_dir_all(retired) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::new(format!(
            "remove {}: {error}",
            retired.display()
        ))),
        _ => Ok(()),
    }
}

/// Where a container's processes are in the cgroup hierarchies.
pub fn cgroup_path(parent: &str, id: &str) -> String {
    let parent = parent.trim_matches('/');
    let parent = if parent.is_empty() { "rbox" } else { parent };
    format!("/{parent}/{id}")
}
