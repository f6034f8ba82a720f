//! Volumes go: by their names, all that nobody uses, and those without a name with their container.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{DRIVER, Volume, absent, mounted, name, store};
use crate::engine::dirs::Dirs;
use crate::engine::event::{Event, Kind, log};
use crate::engine::failure::Failure;
use crate::engine::record::Record;
use crate::engine::request::MountKind;
use crate::engine::{Engine, containers, names, prune};

/// Ids of the containers that use each volume.
type Users = BTreeMap<String, Vec<String>>;

/// In a container's directory: its anonymous volumes go with it (`rm -v`).
const WITH_VOLUMES: &str = "with-volumes";

/// What `volume prune` removed.
#[derive(Clone, Debug, Default)]
pub struct PrunedVolumes {
    /// Names.
    pub names: Vec<String>,
    /// Bytes of their files.
    pub reclaimed: u64,
}

impl Engine {
    /// Ids of the containers whose records name the volume, running or not.
    ///
    /// # Errors
    /// When a record cannot be read: nobody knows then what that container uses.
    pub fn volume_users(&self, name: &str) -> Result<Vec<String>, Failure> {
        users(&self.dirs, name)
    }

    /// The same of all volumes at once, for a look: those that cannot be read use nothing.
    pub fn volumes_in_use(&self) -> Result<Users, Failure> {
        all_users(&self.dirs).map(|(users, _)| users)
    }

    /// Removes a volume that no container uses. With `force` it may be gone already.
    ///
    /// # Errors
    /// Docker's `remove NAME: volume is in use - [ID]` and `get NAME: no such volume`.
    pub fn remove_volume(&self, name: &str, force: bool) -> Result<(), Failure> {
        let lock = match name::check(name) {
            Ok(()) => store::lock_alone(&self.dirs, name)?,
            Err(_) => None,
        };
        let Some(_lock) = lock else {
            return match force {
                true => Ok(()),
                false => Err(absent(&self.dirs, name)),
            };
        };
        let users = self.volume_users(name)?;
        if !users.is_empty() {
            return Err(Failure::new(format!(
                "remove {name}: volume is in use - [{}]",
                users.join(", ")
            )));
        }
        destroy(&self.dirs, name)?;
        store::sweep(&self.dirs)
    }

    /// Deletes what somebody who died was deleting.
    pub fn sweep_volumes(&self) -> Result<(), Failure> {
        store::sweep(&self.dirs)
    }

    /// Removes every volume that `wanted` chooses and no container uses, but those with options, as
    /// Docker does: their files are elsewhere.
    pub fn prune_volumes(
        &self,
        wanted: &dyn Fn(&Volume) -> bool,
    ) -> Result<PrunedVolumes, Failure> {
        let mut pruned = PrunedVolumes::default();
        for volume in self.volumes()?.into_iter().filter(wanted) {
            if !volume.options.is_empty() {
                continue;
            }
            let Some(_lock) = store::lock_alone(&self.dirs, &volume.name)? else {
                continue;
            };
            if !self.volume_users(&volume.name)?.is_empty() {
                continue;
            }
            pruned.reclaimed += prune::size(&volume.mountpoint);
            destroy(&self.dirs, &volume.name)?;
            pruned.names.push(volume.name);
        }
        store::sweep(&self.dirs)?;
        self.happened(&Event::prune(Kind::Volume, pruned.reclaimed));
        Ok(pruned)
    }
}

/// See [`Engine::volume_users`].
pub fn users(dirs: &Dirs, name: &str) -> Result<Vec<String>, Failure> {
    let (mut users, failure) = all_users(dirs)?;
    match failure {
        Some(failure) => Err(failure),
        None => Ok(users.remove(name).unwrap_or_default()),
    }
}

/// Ids of the containers that use each volume, and the first that cannot be read.
fn all_users(dirs: &Dirs) -> Result<(Users, Option<Failure>), Failure> {
    let mut users = Users::new();
    let mut damaged = None;
    let mut ids = names::ids(&dirs.containers())?;
    ids.sort();
    for id in ids {
        let record = match containers::read_record(&dirs.container(&id)) {
            Ok(record) => record,
            Err(failure) => {
                damaged.get_or_insert_with(|| {
                    Failure::new(format!(
                        "cannot tell which volumes container {id} uses: {failure}"
                    ))
                    .hint(format!("`rbox rm -f {id}` removes what is left of it"))
                });
                continue;
            }
        };
        let mounts = record.into_iter().flat_map(|record| record.host.mounts);
        let volumes: BTreeSet<String> = mounts
            .filter(|mount| mount.kind == MountKind::Volume)
            .map(|mount| mount.source)
            .collect();
        for volume in volumes {
            users.entry(volume).or_default().push(id.clone());
        }
    }
    Ok((users, damaged))
}

/// Takes a volume out of sight. The caller holds its lock.
fn destroy(dirs: &Dirs, name: &str) -> Result<(), Failure> {
    // What is deleted is the volume's own.
    mounted::detach(&store::data(dirs, name))?;
    store::retire(dirs, name)?;
    let event = Event::new(Kind::Volume, "destroy", name);
    log::append(&dirs.run_root, &event.with("driver", DRIVER));
    Ok(())
}

/// Notes that a container is to be removed together with its anonymous volumes, however often
/// that has to be begun anew.
pub fn mark(container: &Path) -> std::io::Result<()> {
    std::fs::write(container.join(WITH_VOLUMES), "")
}

/// Takes the anonymous volumes of a container that is out of sight along, where it was to have
/// none afterwards (`--rm`, `rm -v`). Those that another container uses stay.
pub fn follow(dirs: &Dirs, retired: &Path, record: &Record) -> Result<(), Failure> {
    if !record.host.auto_remove && !retired.join(WITH_VOLUMES).exists() {
        return Ok(());
    }
    for name in anonymous(record) {
        // Held by one who makes a container with it.
        let Some(_lock) = store::try_lock_alone(dirs, name)? else {
            continue;
        };
        // Where nobody knows, it stays: the container goes all the same.
        if users(dirs, name).is_ok_and(|users| users.is_empty()) {
            destroy(dirs, name)?;
        }
    }
    Ok(())
}

/// Deletes what [`follow`] has taken out of sight.
pub fn delete(dirs: &Dirs, record: &Record) -> Result<(), Failure> {
    match anonymous(record).next() {
        Some(_) => store::sweep(dirs),
        None => Ok(()),
    }
}

fn anonymous(record: &Record) -> impl Iterator<Item = &str> {
    let mounts = record.host.mounts.iter();
    mounts
        .filter(|mount| mount.kind == MountKind::Volume)
        .filter(|mount| mount.volume.as_ref().is_some_and(|given| given.anonymous))
        .map(|mount| mount.source.as_str())
}
