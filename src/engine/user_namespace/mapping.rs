//! Which ids of the host a container's ids are.

use std::fs;

use oci_spec::runtime::LinuxIdMapping;
use rbox_runtime::spec::defaults;
use serde::{Deserialize, Serialize};

use crate::engine::failure::{Context, Failure};

/// Consecutive ids inside are consecutive ids on the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdRange {
    /// The first one in the container.
    pub inside: u32,
    /// The first one on the host.
    pub outside: u32,
    /// How many.
    pub size: u32,
}

/// Users and groups of one container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// User ids.
    pub uids: Vec<IdRange>,
    /// Group ids.
    pub gids: Vec<IdRange>,
}

impl Mapping {
    /// Users and groups from 0 on are the ids of the host from `first` on.
    pub fn block(first: u32, size: u32) -> Mapping {
        let range = IdRange {
            inside: 0,
            outside: first,
            size,
        };
        Mapping {
            uids: vec![range],
            gids: vec![range],
        }
    }

    /// Every id that there is here is itself.
    pub fn identity() -> Result<Mapping, Failure> {
        let read = |name: &str| {
            let path = format!("/proc/self/{name}");
            let text = fs::read_to_string(&path).context(|| format!("read {path}"))?;
            identity(&text).ok_or_else(|| Failure::new(format!("read {path}: not an id map")))
        };
        Ok(Mapping {
            uids: read("uid_map")?,
            gids: read("gid_map")?,
        })
    }

    /// The host's id of a user of the container.
    pub fn uid(&self, inside: u32) -> Option<u32> {
        outside(&self.uids, inside)
    }

    /// The host's id of a group of the container.
    pub fn gid(&self, inside: u32) -> Option<u32> {
        outside(&self.gids, inside)
    }

    /// The host's ids of the container's root user and group.
    pub fn root(&self) -> Option<(u32, u32)> {
        Some((self.uid(0)?, self.gid(0)?))
    }

    /// Whether every id is itself, so that no file looks different.
    pub fn is_identity(&self) -> bool {
        let same = |range: &IdRange| range.inside == range.outside;
        self.uids.iter().all(same) && self.gids.iter().all(same)
    }

    /// The last of the group ids that are mapped without a gap from 0 on.
    pub fn last_gid(&self) -> u32 {
        let mut next = 0u32;
        while let Some(range) = self
            .gids
            .iter()
            .find(|range| range.inside <= next && next - range.inside < range.size)
        {
            let Some(end) = range.inside.checked_add(range.size) else {
                return u32::MAX - 1;
            };
            next = end;
        }
        next.saturating_sub(1)
    }
}

/// Ranges as the runtime takes them.
pub fn to_oci(ranges: &[IdRange]) -> Vec<LinuxIdMapping> {
    ranges
        .iter()
        .map(|range| defaults::id_mapping(range.inside, range.outside, range.size))
        .collect()
}

fn outside(ranges: &[IdRange], inside: u32) -> Option<u32> {
    ranges
        .iter()
        .find(|range| inside >= range.inside && inside - range.inside < range.size)
        .map(|range| range.outside + (inside - range.inside))
}

/// The ids that a map file gives this process, each as itself.
fn identity(text: &str) -> Option<Vec<IdRange>> {
    let ranges = text.lines().map(|line| {
        let numbers: Option<Vec<u32>> = line.split_whitespace().map(|n| n.parse().ok()).collect();
        let [inside, _, size] = numbers?[..] else {
            return None;
        };
        Some(IdRange {
            inside,
            outside: inside,
            size,
        })
    });
    ranges.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(inside: u32, outside: u32, size: u32) -> IdRange {
        IdRange {
            inside,
            outside,
            size,
        }
    }

    #[test]
    fn an_id_is_found_in_whichever_range_it_is() {
        let ranges = [range(0, 100_000, 10), range(10, 5000, 5)];
        assert_eq!(outside(&ranges, 0), Some(100_000));
        assert_eq!(outside(&ranges, 9), Some(100_009));
        assert_eq!(outside(&ranges, 14), Some(5004));
        assert_eq!(outside(&ranges, 15), None);
    }

    #[test]
    fn the_identity_is_of_all_ids_that_there_are() {
        let all = identity("         0          0 4294967295\n").unwrap();
        assert_eq!(all, [range(0, 0, u32::MAX)]);
        // In a user namespace already.
        let some = identity("0 1000 1\n1 100000 65536\n").unwrap();
        assert_eq!(some, [range(0, 0, 1), range(1, 1, 65_536)]);
        assert_eq!(identity("0 0"), None);
        let mapping = Mapping {
            uids: some.clone(),
            gids: some,
        };
        assert!(mapping.is_identity());
        assert!(!Mapping::block(100_000, 1).is_identity());
    }

    #[test]
    fn groups_are_counted_to_the_first_gap() {
        assert_eq!(Mapping::block(100_000, 65_536).last_gid(), 65_535);
        let gids = vec![range(100, 1, 5), range(10, 200, 10), range(0, 7, 10)];
        let mapping = Mapping { uids: vec![], gids };
        assert_eq!(mapping.last_gid(), 19);
        let gids = vec![range(0, 0, u32::MAX)];
        let mapping = Mapping { uids: vec![], gids };
        assert_eq!(mapping.last_gid(), u32::MAX - 1);
    }
}
