//! `rm` and `rename`.

use rbox_runtime::cgroup::Cgroup;

use super::claim::{Claim, claim, is_running};
use super::connection;
use super::failure::{Context, Failure};
use super::protocol::Request;
use super::{Engine, containers, event, json_file, names, renaming, volume};

impl Engine {
    /// Removes a container: stopped ones, running ones with `force`. Also one
    /// whose record is damaged.
    pub fn remove(&self, name: &str, force: bool) -> Result<(), Failure> {
        self.remove_whole(name, force, false)
    }

    /// The same, together with those of its volumes that nobody named and no other container
    /// uses (`rm -v`).
    pub fn remove_with_volumes(&self, name: &str, force: bool) -> Result<(), Failure> {
        self.remove_whole(name, force, true)
    }

    fn remove_whole(&self, name: &str, force: bool, volumes: bool) -> Result<(), Failure> {
        let id = names::resolve(&self.dirs, name)?;
        let dir = self.dirs.container(&id);
        if !dir.exists() {
            return Err(Failure::no_such_container(name));
        }
        let lock = loop {
            match claim(&self.dirs, &id)? {
                Claim::Ours(lock) => break lock,
                Claim::Running if !force && self.is_paused(&id) => {
                    return Err(Failure::new(format!(
                        "cannot remove container \"{name}\": container is paused and must be \
                         unpaused first"
                    ))
                    .hint(format!("`rbox unpause {name}`, or `rbox rm -f {name}`")));
                }
                Claim::Running if !force => {
                    let now = containers::load(&self.dirs, &id)?;
                    let status = match &now {
                        Some(container) if container.run.is_some() => container.status(),
                        _ => "running",
                    };
                    return Err(Failure::new(format!(
                        "cannot remove container \"{name}\": container is {status}: stop the \
                         container before removing or force remove"
                    )));
                }
                // Not everything dies of its stop signal; nothing survives this one.
                Claim::Running => {
                    connection::ask(
                        &self.dirs,
                        &id,
                        Request::Stop {
                            signal: 9,
                            timeout: 0,
                        },
                    )?;
                }
            }
        };
        rbox_timing::mark("container stopped, lock taken");
        let run_dir = self.dirs.run(&id);
        // Where its run directory was taken away from under it, it runs on.
        let parent = match containers::read_record(&dir) {
            Ok(Some(record)) => record.host.cgroup_parent,
            _ => String::new(),
        };
        if let Ok(cgroup) = Cgroup::open(&containers::cgroup_path(&parent, &id)) {
            cgroup
                .kill_all()
                .context(|| format!("kill container {id}"))?;
            cgroup
                .delete()
                .context(|| format!("remove the cgroup of container {id}"))?;
            rbox_timing::mark("cgroups removed");
        }
        if volumes
            && let Err(error) = volume::remove::mark(&dir)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(Failure::new(format!("remove {}: {error}", dir.display())));
        }
        // Gone meanwhile (it was started with --rm): that is what was asked.
        let removed = containers::remove_files(&self.dirs, &id);
        rbox_timing::mark("container's files removed");
        lock.remove_dir(&run_dir)
            .context(|| format!("remove {}", run_dir.display()))?;
        removed
    }

    /// Gives a container another name; names on its networks follow at once.
    pub fn rename(&self, name: &str, new: &str) -> Result<(), Failure> {
        let id = containers::find(&self.dirs, name)?.record.id;
        let new = new.strip_prefix('/').unwrap_or(new);
        let allocate = |failure: Failure| {
            Failure::new(format!(
                "Error when allocating new name: {}",
                failure.message
            ))
        };
        let gone = || Failure::no_such_container(name);
        let lock = containers::lock_record(&self.dirs, &id)?.ok_or_else(gone)?;
        let dir = self.dirs.container(&id);
        let mut record = containers::read_record(&dir)?.ok_or_else(gone)?;
        if new == record.name {
            return Err(Failure::new(
                "Renaming a container with the same name as its current name",
            ));
        }
        names::check(new, &format!("/{new}")).map_err(allocate)?;
        renaming::settle(&self.dirs, &dir, &id, &record.name)?;
        renaming::begin(&dir, &record.name, new)?;
        let reserved = names::reserve(&self.dirs, new, &id).map_err(allocate);
        if reserved.is_err() {
            renaming::settle(&self.dirs, &dir, &id, &record.name)?;
        }
        reserved?;
        let old = std::mem::replace(&mut record.name, new.to_owned());
        let path = dir.join("config.json");
        if let Err(error) = json_file::write(&path, &record) {
            let _ = renaming::settle(&self.dirs, &dir, &id, &old);
            return Err(Failure::new(format!("write {}: {error}", path.display())));
        }
        renaming::settle(&self.dirs, &dir, &id, new)?;
        let old = format!("/{old}");
        event::of_container(&self.dirs, "rename", &record, &[("oldName", &old)]);
        // Its monitor may need the lock before it answers.
        drop(lock);
        if is_running(&self.dirs, &id)? {
            connection::ask(&self.dirs, &id, Request::Renamed)?;
        }
        self.tell_consumers(&id)
    }
}
