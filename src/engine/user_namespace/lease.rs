//! Who has which block: a symlink named by the block's first id, to the
//! container's id, so that taking one is one atomic system call and `ls` shows
//! all. They are kept as long as the containers, whose files depend on them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rbox_netsetup::store::directory_lock::DirectoryLock;

use super::mapping::Mapping;
use super::pool::BLOCK;
use crate::engine::dirs::Dirs;
use crate::engine::failure::{Context, Failure};
use crate::engine::record::{Record, short};
use crate::engine::recover;

/// Takes as many consecutive blocks of `pool` as `size` ids need. The search
/// begins where the container's id says: those that start together do not meet.
pub fn take(dirs: &Dirs, id: &str, size: u32, pool: &[u32]) -> Result<Mapping, Failure> {
    let count = size.div_ceil(BLOCK) as usize;
    let in_a_row = |window: &&[u32]| window.windows(2).all(|two| two[1] - two[0] == BLOCK);
    let places: Vec<&[u32]> = pool.windows(count).filter(in_a_row).collect();
    let start = match places.len() {
        0 => {
            return Err(Failure::new(format!(
                "--userns=auto: {size} ids are more than the pool has in a row"
            )));
        }
        number => first_place(id) % number,
    };
    let (before, from) = places.split_at(start);
    for place in from.iter().chain(before) {
        if take_all(dirs, id, place)? {
            return Ok(Mapping::block(place[0], size));
        }
    }
    Err(Failure::new(format!(
        "--userns=auto: all {} ranges of ids are taken",
        places.len()
    )))
}

/// Where the search begins.
fn first_place(id: &str) -> usize {
    let digits = id.get(..8).unwrap_or_default();
    usize::from_str_radix(digits, 16).unwrap_or(0)
}

/// All of these blocks, or none.
fn take_all(dirs: &Dirs, id: &str, blocks: &[u32]) -> Result<bool, Failure> {
    for (index, &block) in blocks.iter().enumerate() {
        let taken = take_one(dirs, id, block);
        if !matches!(taken, Ok(true)) {
            give_back(dirs, id, |leases| paths(leases, &blocks[..index]))?;
            return taken;
        }
    }
    Ok(true)
}

fn take_one(dirs: &Dirs, id: &str, block: u32) -> Result<bool, Failure> {
    let link = dirs.id_leases().join(block.to_string());
    loop {
        match std::os::unix::fs::symlink(id, &link) {
            Ok(()) => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let leases = dirs.id_leases();
                fs::create_dir_all(&leases).context(|| format!("make {}", leases.display()))?;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let Some(owner) = owner(&link) else { continue };
                // Of one that was never made to the end nothing stays.
                if !recover::sweep_half_made(dirs, &owner)? {
                    return Ok(false);
                }
            }
            Err(error) => {
                return Err(Failure::new(format!("make {}: {error}", link.display())));
            }
        }
    }
}

/// Makes sure that the blocks of a container are still its own, before it starts.
pub fn renew(dirs: &Dirs, record: &Record) -> Result<(), Failure> {
    let id = &record.id;
    for block in blocks(record) {
        let link = dirs.id_leases().join(block.to_string());
        if owner(&link).as_deref() == Some(id) || take_one(dirs, id, block)? {
            continue;
        }
        let other = owner(&link).unwrap_or_default();
        return Err(Failure::new(format!(
            "the ids from {block} on, which the files of this container belong to, are those of \
             container {} now",
            short(&other)
        )));
    }
    Ok(())
}

/// Gives a container's blocks back.
pub fn release(dirs: &Dirs, record: &Record) -> Result<(), Failure> {
    let blocks = blocks(record);
    if blocks.is_empty() {
        return Ok(());
    }
    give_back(dirs, &record.id, |leases| paths(leases, &blocks))
}

/// Gives every block back that `id` has.
pub fn release_all(dirs: &Dirs, id: &str) -> Result<(), Failure> {
    give_back(dirs, id, |leases| {
        let entries = fs::read_dir(leases).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    })
}

/// First ids of the blocks that a container leased.
fn blocks(record: &Record) -> Vec<u32> {
    let leased = super::is_leased(record);
    let mapping = record.user_namespace.iter().filter(|_| leased);
    mapping
        .flat_map(|mapping| &mapping.uids)
        .flat_map(|range| (0..range.size.div_ceil(BLOCK)).map(|n| range.outside + n * BLOCK))
        .collect()
}

fn paths(leases: &Path, blocks: &[u32]) -> Vec<PathBuf> {
    let path = |block: &u32| leases.join(block.to_string());
    blocks.iter().map(path).collect()
}

/// Under the directory's lock: between a look at a lease and its removal somebody
/// else could give it back, and a third take it.
fn give_back(
    dirs: &Dirs,
    id: &str,
    links: impl FnOnce(&Path) -> Vec<PathBuf>,
) -> Result<(), Failure> {
    let leases = dirs.id_leases();
    let lock = DirectoryLock::existing(&leases).map_err(|error| Failure::new(error.to_string()))?;
    if lock.is_none() {
        return Ok(());
    }
    for link in links(&leases) {
        if owner(&link).as_deref() == Some(id) {
            fs::remove_file(&link).context(|| format!("remove {}", link.display()))?;
        }
    }
    Ok(())
}

/// Whose a lease is; `None` when it is nobody's.
fn owner(link: &Path) -> Option<String> {
    fs::read_link(link).ok()?.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct State {
        dirs: Dirs,
        _dir: tempfile::TempDir,
    }

    fn state() -> State {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Dirs {
            root: dir.path().join("root"),
            run_root: dir.path().join("run"),
        };
        State { dirs, _dir: dir }
    }

    /// A container that is whole, as far as leases look.
    fn container(state: &State, digit: &str) -> String {
        let id = digit.repeat(64);
        let dir = state.dirs.container(&id);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("config.json"), "{}").unwrap();
        id
    }

    const POOL: [u32; 3] = [BLOCK, 2 * BLOCK, 4 * BLOCK];

    #[test]
    fn every_container_has_a_block_of_its_own_until_all_are_taken() {
        let state = state();
        let mut firsts: Vec<u32> = ["a", "b", "c"]
            .iter()
            .map(|digit| {
                let id = container(&state, digit);
                take(&state.dirs, &id, 1000, &POOL).unwrap().uids[0].outside
            })
            .collect();
        firsts.sort_unstable();
        assert_eq!(firsts, POOL);
        let id = container(&state, "d");
        let error = take(&state.dirs, &id, 1000, &POOL).unwrap_err();
        assert_eq!(
            error.message,
            "--userns=auto: all 3 ranges of ids are taken"
        );
        release_all(&state.dirs, &"b".repeat(64)).unwrap();
        assert!(take(&state.dirs, &id, 1000, &POOL).is_ok());
    }

    #[test]
    fn more_ids_than_a_block_take_neighbours_or_nothing() {
        let state = state();
        let id = container(&state, "a");
        let mapping = take(&state.dirs, &id, BLOCK + 1, &POOL).unwrap();
        assert_eq!(mapping, Mapping::block(BLOCK, BLOCK + 1));
        let other = container(&state, "b");
        assert!(take(&state.dirs, &other, BLOCK + 1, &POOL).is_err());
        assert_eq!(fs::read_dir(state.dirs.id_leases()).unwrap().count(), 2);
        let error = take(&state.dirs, &other, 3 * BLOCK, &POOL).unwrap_err();
        assert_eq!(
            error.message,
            "--userns=auto: 196608 ids are more than the pool has in a row"
        );
        let one = take(&state.dirs, &other, 1, &POOL).unwrap();
        assert_eq!(one, Mapping::block(4 * BLOCK, 1));
    }

    #[test]
    fn what_one_that_was_never_made_took_is_free() {
        let state = state();
        let dead = "d".repeat(64);
        let first = take(&state.dirs, &dead, 1, &POOL[..1]).unwrap();
        let id = container(&state, "a");
        assert_eq!(take(&state.dirs, &id, 1, &POOL[..1]).unwrap(), first);
        let link = state.dirs.id_leases().join(BLOCK.to_string());
        assert_eq!(owner(&link), Some(id));
    }
}
