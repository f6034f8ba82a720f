//! `rm` and `rename`.

use super::claim::Claim;
use super::connection;
use super::failure::{Context, Failure};
use super::protocol::Request;
use super::{Engine, containers, json_file, names};

impl Engine {
    /// Removes a container: stopped ones, running ones with `force`.
    pub fn remove(&self, name: &str, force: bool) -> Result<(), Failure> {
        let (id, lock) = loop {
            let container = containers::find(&self.dirs, name)?;
            if container.run.is_some() {
                if !force {
                    return Err(Failure::new(format!(
                        "cannot remove container \"{name}\": container is running: stop the \
                         container before removing or force remove"
                    )));
                }
                // Not everything dies of its stop signal; nothing survives this one.
                self.end(&container, Some(0), Some("KILL"))?;
            }
            if let Claim::Ours(lock) = self.claim(&container.record.id)? {
                break (container.record.id, lock);
            }
        };
        let run_dir = self.dirs.run(&id);
        // Gone meanwhile (it was started with --rm): that is what was asked.
        let removed = match containers::read_record(&self.dirs.container(&id))? {
            Some(record) => containers::remove_files(&self.dirs, &record),
            None => Ok(()),
        };
        lock.remove_dir(&run_dir).context(|| format!("remove {}", run_dir.display()))?;
        removed
    }

    /// Gives a container another name; names on its networks follow at once.
    pub fn rename(&self, name: &str, new: &str) -> Result<(), Failure> {
        let container = containers::find(&self.dirs, name)?;
        let mut record = container.record;
        let new = new.strip_prefix('/').unwrap_or(new);
        if new == record.name {
            return Err(Failure::new(
                "Renaming a container with the same name as its current name",
            ));
        }
        let allocate = |failure: Failure| {
            Failure::new(format!("Error when allocating new name: {}", failure.message))
        };
        names::check(new, &format!("/{new}")).map_err(allocate)?;
        names::reserve(&self.dirs, new, &record.id).map_err(allocate)?;
        let old = std::mem::replace(&mut record.name, new.to_owned());
        let path = self.dirs.container(&record.id).join("config.json");
        if let Err(error) = json_file::write(&path, &record) {
            names::release(&self.dirs, new, &record.id);
            return Err(Failure::new(format!("write {}: {error}", path.display())));
        }
        names::release(&self.dirs, &old, &record.id);
        if container.run.is_some()
            && let Some(stream) = connection::request(&self.dirs, &record.id, Request::Renamed)?
        {
            connection::answer(stream, &record.id)?;
        }
        Ok(())
    }
}
