//! The ids of a container's user namespace.

use std::os::fd::AsFd;

use oci_spec::runtime::{Linux, LinuxIdMapping};
use rustix::fs::{FileType, Gid, Uid, fchown, fstat};

use super::CreateError;
use crate::process::procfs;
use crate::rootfs::idmap::map_text;
use crate::spec::defaults::id_mapping;

/// What the host calls the ids of a new user namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdMaps {
    uids: Vec<LinuxIdMapping>,
    gids: Vec<LinuxIdMapping>,
}

impl IdMaps {
    /// Those of a configuration.
    pub(super) fn of(linux: &Linux) -> Self {
        Self {
            uids: linux.uid_mappings().clone().unwrap_or_default(),
            gids: linux.gid_mappings().clone().unwrap_or_default(),
        }
    }

    /// Those of the namespace that a process is in, as far as they can be read.
    pub(super) fn of_process(pid: i32) -> Self {
        let read = |name: &str| {
            let text = std::fs::read_to_string(format!("/proc/{pid}/{name}"));
            text.map_or_else(|_| Vec::new(), |text| parse(&text))
        };
        Self {
            uids: read("uid_map"),
            gids: read("gid_map"),
        }
    }

    /// Gives them to the namespace of a process that waits for them
    /// (user_namespaces(7)).
    pub(super) fn write(&self, pid: i32) -> Result<(), CreateError> {
        for (name, list) in [("uid_map", &self.uids), ("gid_map", &self.gids)] {
            procfs::write(&format!("{pid}/{name}"), &map_text(list))?;
        }
        Ok(())
    }

    /// Gives pipes to the container's user, who is somebody else outside: it
    /// could otherwise not open them again as /dev/stdout. Best effort: the
    /// streams themselves work without.
    pub(super) fn give_pipes<'a>(
        &self,
        streams: impl Iterator<Item = &'a (impl AsFd + 'a)>,
        uid: u32,
        gid: u32,
    ) {
        let (Some(uid), Some(gid)) = (on_host(&self.uids, uid), on_host(&self.gids, gid)) else {
            return;
        };
        for stream in streams {
            let pipe =
                |stat: &rustix::fs::Stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo;
            if fstat(stream).is_ok_and(|stat| pipe(&stat)) {
                let _ = fchown(stream, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
            }
        }
    }
}

/// Lowers the chance that a process is killed for want of memory, or raises it
/// (proc_pid_oom_score_adj(5)). From outside, where the privilege is.
pub(super) fn set_oom_score(pid: i32, value: i32) -> Result<(), CreateError> {
    Ok(procfs::write(
        &format!("{pid}/oom_score_adj"),
        &value.to_string(),
    )?)
}

/// The ranges of a uid_map file; nothing where it is not one.
fn parse(text: &str) -> Vec<LinuxIdMapping> {
    let ranges = text.lines().map(|line| {
        let numbers: Option<Vec<u32>> = line.split_whitespace().map(|n| n.parse().ok()).collect();
        match numbers?[..] {
            [inside, outside, size] => Some(id_mapping(inside, outside, size)),
            _ => None,
        }
    });
    ranges.collect::<Option<_>>().unwrap_or_default()
}

/// What the host calls the container's `id`.
fn on_host(map: &[LinuxIdMapping], id: u32) -> Option<u32> {
    map.iter().find_map(|range| {
        let offset = id.checked_sub(range.container_id())?;
        (offset < range.size()).then(|| range.host_id().checked_add(offset))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::defaults::id_mapping as range;

    #[test]
    fn a_map_file_is_read_whole_or_not_at_all() {
        let text = "         0     100000      65536\n     65536          5          1\n";
        assert_eq!(
            parse(text),
            [range(0, 100_000, 65_536), range(65_536, 5, 1)]
        );
        assert_eq!(parse("0 1 2\n0 1"), []);
        assert_eq!(parse("0 1 x"), []);
    }

    #[test]
    fn an_id_is_found_in_its_range_or_not_at_all() {
        let map = [range(0, 100_000, 10), range(10, 5, 1)];
        assert_eq!(on_host(&map, 9), Some(100_009));
        assert_eq!(on_host(&map, 10), Some(5));
        assert_eq!(on_host(&map, 11), None);
        assert_eq!(on_host(&[range(0, u32::MAX, 2)], 1), None);
    }
}
