//! One mapping for all containers that ask for none: what dockerd calls
//! `--userns-remap`, here the environment variable RBOX_USERNS_REMAP.

use super::mapping::{IdRange, Mapping};
use super::pool::{BLOCK, DEFAULT_REMAP};
use super::subordinate::{Files, LineError, Range};
use crate::engine::failure::Failure;

/// `default`, `USER`, `UID`, `USER:GROUP` or `UID:GID`.
pub const VARIABLE: &str = "RBOX_USERNS_REMAP";

/// Who `default` means, as in Docker.
const DEFAULT_USER: &str = "dockremap";

/// Why there is no mapping.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemapError {
    /// Neither a name nor a number.
    #[error("{VARIABLE}: invalid user namespace remapping: {0:?}")]
    Invalid(String),
    /// No line for it.
    #[error("{VARIABLE}: no subordinate {ids} ids for {who:?} in {file}")]
    NoRange {
        /// `user` or `group`.
        ids: &'static str,
        /// Whose.
        who: String,
        /// Where they would be.
        file: &'static str,
    },
    /// A line that cannot be used.
    #[error("{VARIABLE}: {0}")]
    Line(#[from] LineError),
}

/// What the environment asks for; `None` where it asks for nothing.
pub fn requested() -> Result<Option<Mapping>, Failure> {
    let Some(value) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let value = value.to_string_lossy();
    let mapping = mapping(&value, &Files::read()?);
    mapping
        .map(Some)
        .map_err(|error| Failure::new(error.to_string()))
}

/// The mapping that a value of the variable means on a machine with these files.
pub fn mapping(value: &str, files: &Files) -> Result<Mapping, RemapError> {
    let (user, group) = match value.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (value, None),
    };
    let plain = |text: &str| !text.is_empty() && !text.contains([':', '\n', '/', ' ']);
    if !plain(user) || group.is_some_and(|group| !plain(group)) {
        return Err(RemapError::Invalid(value.to_owned()));
    }
    let default = value == "default";
    let user = if default { DEFAULT_USER } else { user };
    let uids = files.of_user(user)?;
    let gids = match group {
        Some(group) => files.of_group(group)?,
        None => files.groups_of_user(user)?,
    };
    if default && uids.is_empty() && gids.is_empty() {
        return Ok(Mapping::block(DEFAULT_REMAP, BLOCK));
    }
    for (ids, ranges, who, file) in [
        ("user", &uids, user, "/etc/subuid"),
        ("group", &gids, group.unwrap_or(user), "/etc/subgid"),
    ] {
        if ranges.is_empty() {
            return Err(RemapError::NoRange {
                ids,
                who: who.to_owned(),
                file,
            });
        }
    }
    Ok(Mapping {
        uids: in_a_row(&uids),
        gids: in_a_row(&gids),
    })
}

/// From id 0 on, one range after the other.
fn in_a_row(ranges: &[Range]) -> Vec<IdRange> {
    let mut inside = 0u32;
    let mut row = Vec::with_capacity(ranges.len());
    for &(outside, size) in ranges {
        // They do not overlap, so all together are no more than there are ids.
        row.push(IdRange {
            inside,
            outside,
            size,
        });
        inside += size;
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        Files {
            passwd: "me:x:1000:1000::/:\n".into(),
            group: "staff:x:50:\n".into(),
            subuid: "me:100000:10\nme:200000:20\n".into(),
            subgid: "me:300000:30\n50:400000:40\n".into(),
        }
    }

    #[test]
    fn ranges_of_a_user_are_put_in_a_row() {
        let range = |inside, outside, size| IdRange {
            inside,
            outside,
            size,
        };
        for value in ["me", "1000"] {
            let mapping = mapping(value, &files()).unwrap();
            assert_eq!(
                mapping.uids,
                [range(0, 100_000, 10), range(10, 200_000, 20)]
            );
            assert_eq!(mapping.gids, [range(0, 300_000, 30)]);
        }
        for value in ["me:staff", "1000:50", "me:50"] {
            let mapping = mapping(value, &files()).unwrap();
            assert_eq!(mapping.gids, [range(0, 400_000, 40)], "{value}");
        }
    }

    #[test]
    fn default_is_dockremap_or_a_range_that_nobody_has() {
        let mapped = mapping("default", &files()).unwrap();
        assert_eq!(mapped, Mapping::block(0x7000_0000, 65_536));
        let mut with = files();
        with.subuid += "dockremap:500000:65536\n";
        assert_eq!(
            mapping("default", &with).unwrap_err().to_string(),
            "RBOX_USERNS_REMAP: no subordinate group ids for \"dockremap\" in /etc/subgid"
        );
        with.subgid += "dockremap:600000:65536\n";
        assert_eq!(
            mapping("default", &with).unwrap().root(),
            Some((500_000, 600_000))
        );
    }

    #[test]
    fn what_is_no_user_and_users_without_ranges_are_refused() {
        assert_eq!(
            mapping("you", &files()).unwrap_err().to_string(),
            "RBOX_USERNS_REMAP: no subordinate user ids for \"you\" in /etc/subuid"
        );
        for value in [":", "me:", ":me", "a:b:c", "a b", "../x"] {
            let error = mapping(value, &files()).unwrap_err();
            assert_eq!(error, RemapError::Invalid(value.to_owned()));
        }
        let mut bad = files();
        bad.subuid = "me:0:10\n".into();
        assert_eq!(
            mapping("me", &bad).unwrap_err().to_string(),
            "RBOX_USERNS_REMAP: /etc/subuid line 1: gives the host's root away"
        );
    }
}
