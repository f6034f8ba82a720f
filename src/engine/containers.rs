//! Reading containers from disk, and undoing those whose monitor died.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rbox_runtime::cgroup::Cgroup;

use super::clock;
use super::dirs::Dirs;
use super::failure::{Context, Failure};
use super::json_file;
use super::lock::{self, Probe, RunLock};
use super::names;
use super::record::{Container, LastState, Record, RunState};

/// Between two looks at a monitor that cleans up.
const PAUSE: Duration = Duration::from_millis(2);

/// Exit code of a container whose monitor was killed: it dies by SIGKILL with it.
const KILLED: i32 = 137;

/// Prefix of container directories that are only waiting to be deleted.
const RETIRED: &str = ".removing-";

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
        Probe::Held => {
            run = json_file::read::<RunState>(&run_dir.join("state.json"))
                .context(|| format!("read state of container {id}"))?;
        }
        Probe::Dead(lock) => recover(dirs, id, lock)?,
    }
    let dir = dirs.container(id);
    let Some(record) = read_record(&dir)? else { return Ok(None) };
    let last = read_last(&dir)?;
    Ok(Some(Container { record, last, run }))
}

/// All containers, newest first. One that vanishes meanwhile is left out.
pub fn all(dirs: &Dirs) -> Result<Vec<Container>, Failure> {
    sweep(dirs)?;
    let mut containers = Vec::new();
    for id in names::ids(&dirs.containers())? {
        containers.extend(load(dirs, &id)?);
    }
    containers.sort_by(|a, b| {
        b.record.created.cmp(&a.record.created).then_with(|| b.record.id.cmp(&a.record.id))
    });
    Ok(containers)
}

/// Undoes every dead owner, also of containers whose record is gone.
pub fn sweep(dirs: &Dirs) -> Result<(), Failure> {
    for id in names::ids(&dirs.run_containers())? {
        let run_dir = dirs.run(&id);
        if let Probe::Dead(lock) =
            RunLock::probe(&run_dir).context(|| format!("lock {}", run_dir.display()))?
        {
            recover(dirs, &id, lock)?;
        }
    }
    sweep_retired(dirs)
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

/// Undoes what a dead monitor left: its processes, its journal, its run directory.
/// The container then counts as ended, or is gone if it was started with `--rm`.
fn recover(dirs: &Dirs, id: &str, lock: RunLock) -> Result<(), Failure> {
    let dir = dirs.container(id);
    let run_dir = dirs.run(id);
    let record = read_record(&dir)?;
    let run: Option<RunState> = json_file::read(&run_dir.join("state.json")).unwrap_or_default();
    let cgroup = match (&run, &record) {
        (Some(run), _) => run.cgroup.clone(),
        (None, record) => cgroup_path(
            record.as_ref().map_or("", |record| record.host.cgroup_parent.as_str()),
            id,
        ),
    };
    if let Ok(cgroup) = Cgroup::open(&cgroup) {
        let _ = cgroup.kill_all();
        let _ = cgroup.delete();
    }
    super::undo::journal(&run_dir.join("journal"));
    if let Some(record) = record {
        if record.host.auto_remove {
            remove_files(dirs, &record)?;
        } else if let Some(run) = run {
            let last = LastState {
                status: "exited".into(),
                exit_code: KILLED,
                error: "the container's monitor was killed".into(),
                started_at: run.started_at,
                finished_at: clock::now(),
                ..LastState::default()
            };
            let path = dir.join("state.json");
            json_file::write(&path, &last).context(|| format!("write {}", path.display()))?;
        }
    }
    lock.remove_dir(&run_dir).context(|| format!("remove {}", run_dir.display()))
}

/// Removes everything on disk of a container that does not run. The caller
/// holds its run lock.
pub fn remove_files(dirs: &Dirs, record: &Record) -> Result<(), Failure> {
    match retire(dirs, record)? {
        Some(retired) => remove_dir(&retired),
        None => Ok(()),
    }
}

/// Takes a container out of sight, name and all, with one rename: what is left
/// to delete then has time. `None` if it is gone already.
pub fn retire(dirs: &Dirs, record: &Record) -> Result<Option<PathBuf>, Failure> {
    let dir = dirs.container(&record.id);
    let retired = dirs.containers().join(format!("{RETIRED}{}", record.id));
    let renamed = match fs::rename(&dir, &retired) {
        Ok(()) => Some(retired),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(Failure::new(format!("remove {}: {error}", dir.display()))),
    };
    names::release(dirs, &record.name, &record.id);
    Ok(renamed)
}

/// Deletes what was retired.
pub fn remove_dir(retired: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(retired) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::new(format!("remove {}: {error}", retired.display())))
        }
        _ => Ok(()),
    }
}

/// Deletes what somebody retired and did not live to delete.
fn sweep_retired(dirs: &Dirs) -> Result<(), Failure> {
    let Ok(entries) = fs::read_dir(dirs.containers()) else { return Ok(()) };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(id) = name.to_str().and_then(|name| name.strip_prefix(RETIRED)) else { continue };
        // Its monitor still has it in hand.
        if !is_alive(dirs, id) {
            remove_dir(&entry.path())?;
        }
    }
    Ok(())
}

/// Where a container's processes are in the cgroup hierarchies.
pub fn cgroup_path(parent: &str, id: &str) -> String {
    let parent = parent.trim_matches('/');
    let parent = if parent.is_empty() { "rbox" } else { parent };
    format!("/{parent}/{id}")
}
