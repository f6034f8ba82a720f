//! User namespaces and their maps (runtime-spec, "User namespace mappings").

use oci_spec::runtime::{Linux, LinuxIdMapping};

use super::{ValidateError, invalid};
use crate::spec::namespaces::{Namespaces, Source};

/// A new user namespace has maps that give it a root; nothing else has maps.
pub(super) fn validate_mappings(
    linux: &Linux,
    namespaces: &Namespaces<'_>,
) -> Result<(), ValidateError> {
    let lists = [
        ("linux.uidMappings", linux.uid_mappings()),
        ("linux.gidMappings", linux.gid_mappings()),
    ];
    for (name, list) in lists {
        let list = list.as_deref().unwrap_or_default();
        match namespaces.user {
            Source::Host if !list.is_empty() => {
                return invalid(name, "it needs a user namespace");
            }
            Source::New if list.is_empty() => return Err(ValidateError::Missing(name)),
            Source::New => validate_map(name, list)?,
            Source::Host | Source::Path(_) => {}
        }
    }
    Ok(())
}

/// What the kernel would refuse (user_namespaces(7)), and what the set-up
/// needs: somebody to be root.
fn validate_map(name: &'static str, list: &[LinuxIdMapping]) -> Result<(), ValidateError> {
    let show = |range: &LinuxIdMapping| {
        format!(
            "{} {} {}",
            range.container_id(),
            range.host_id(),
            range.size()
        )
    };
    let overlap = |a: u32, b: u32, one: &LinuxIdMapping, other: &LinuxIdMapping| {
        let (a, b) = (u64::from(a), u64::from(b));
        a < b + u64::from(other.size()) && b < a + u64::from(one.size())
    };
    for (index, range) in list.iter().enumerate() {
        let end = |start: u32| u64::from(start) + u64::from(range.size());
        let last = u64::from(u32::MAX);
        if range.size() == 0 || end(range.container_id()) > last || end(range.host_id()) > last {
            let reason = format!("{} is no range of ids", show(range));
            return invalid(format!("{name}[{index}]"), reason);
        }
        for other in &list[..index] {
            if overlap(range.container_id(), other.container_id(), range, other)
                || overlap(range.host_id(), other.host_id(), range, other)
            {
                let reason = format!("{} overlaps {}", show(range), show(other));
                return invalid(format!("{name}[{index}]"), reason);
            }
        }
    }
    if list.iter().any(|range| range.container_id() == 0) {
        Ok(())
    } else {
        invalid(name, "it maps no root (container id 0)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::defaults::id_mapping;

    fn check(ranges: &[(u32, u32, u32)]) -> Result<(), ValidateError> {
        let list: Vec<_> = ranges
            .iter()
            .map(|&(container, host, size)| id_mapping(container, host, size))
            .collect();
        validate_map("linux.uidMappings", &list)
    }

    #[test]
    fn a_map_with_a_root_and_apart_ranges_is_right() {
        assert_eq!(check(&[(0, 100_000, 65_536), (65_536, 5, 1)]), Ok(()));
    }

    #[test]
    fn empty_overlapping_rootless_and_overflowing_maps_are_refused() {
        for bad in [
            &[(0, 1, 0)][..],
            &[(0, 100, 10), (9, 300, 1)],
            &[(0, 100, 10), (10, 105, 1)],
            &[(1, 100, 10)],
            &[(0, u32::MAX, 2)],
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }
}
