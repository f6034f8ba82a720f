//! Owners of files in a container with ids of its own, as the container sees them.

/// Consecutive ids of the host that are consecutive ids inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdRange {
    /// The first one in the container.
    pub inside: u32,
    /// The first one on the host.
    pub outside: u32,
    /// How many.
    pub size: u32,
}

/// The ids of a container's files on disk, to be told as the container tells them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdShift {
    /// User ids; with no range at all every id is itself.
    pub uids: Vec<IdRange>,
    /// Group ids, likewise.
    pub gids: Vec<IdRange>,
}

/// What the kernel shows for an id that a namespace does not know
/// (`/proc/sys/kernel/overflowuid`).
const OVERFLOW: u32 = 65534;

/// `struct vfs_ns_cap_data` of linux/capability.h: magic, two pairs of sets, root id.
const CAPABILITY_V3: usize = 24;
const CAPABILITY_V2: usize = 20;
const REVISION_MASK: u32 = 0xff00_0000;
const REVISION_2: u32 = 0x0200_0000;
const REVISION_3: u32 = 0x0300_0000;

/// `struct posix_acl_xattr_entry` of linux/posix_acl_xattr.h: tag, permissions, id.
const ACL_HEADER: usize = 4;
const ACL_ENTRY: usize = 8;
const ACL_USER: u16 = 0x02;
const ACL_GROUP: u16 = 0x08;

impl IdShift {
    /// Whether every id is itself.
    pub fn is_identity(&self) -> bool {
        let same = |range: &IdRange| range.inside == range.outside;
        self.uids.iter().all(same) && self.gids.iter().all(same)
    }

    pub(crate) fn uid(&self, outside: u32) -> u32 {
        inside(&self.uids, outside)
    }

    pub(crate) fn gid(&self, outside: u32) -> u32 {
        inside(&self.gids, outside)
    }

    /// What the container calls `inside`, on disk; `None` where it has no such id.
    pub(crate) fn outside_uid(&self, inside: u32) -> Option<u32> {
        outside(&self.uids, inside)
    }

    pub(crate) fn outside_gid(&self, inside: u32) -> Option<u32> {
        outside(&self.gids, inside)
    }

    /// Shifts the ids that some extended attributes hold.
    pub(super) fn attribute(&self, name: &[u8], value: &mut Vec<u8>) {
        match name {
            b"security.capability" => self.capability(value),
            b"system.posix_acl_access" | b"system.posix_acl_default" => self.acl(value),
            _ => {}
        }
    }

    /// Capabilities that a namespace's root gave are those of root once they are in an image.
    fn capability(&self, value: &mut Vec<u8>) {
        if self.uids.is_empty() || value.len() != CAPABILITY_V3 {
            return;
        }
        let magic = word(value, 0);
        if magic & REVISION_MASK != REVISION_3 || self.uid(word(value, 20)) != 0 {
            return;
        }
        value.truncate(CAPABILITY_V2);
        let magic = (magic & !REVISION_MASK) | REVISION_2;
        value[..4].copy_from_slice(&magic.to_le_bytes());
    }

    fn acl(&self, value: &mut [u8]) {
        for entry in value
            .get_mut(ACL_HEADER..)
            .unwrap_or_default()
            .chunks_exact_mut(ACL_ENTRY)
        {
            let id = word(entry, 4);
            let shifted = match u16::from_le_bytes([entry[0], entry[1]]) {
                ACL_USER => self.uid(id),
                ACL_GROUP => self.gid(id),
                _ => continue,
            };
            entry[4..].copy_from_slice(&shifted.to_le_bytes());
        }
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let part = bytes.get(at..at + 4).and_then(|part| part.try_into().ok());
    part.map_or(0, u32::from_le_bytes)
}

fn inside(ranges: &[IdRange], outside: u32) -> u32 {
    if ranges.is_empty() {
        return outside;
    }
    ranges
        .iter()
        .find(|range| outside >= range.outside && outside - range.outside < range.size)
        .map_or(OVERFLOW, |range| range.inside + (outside - range.outside))
}

fn outside(ranges: &[IdRange], inside: u32) -> Option<u32> {
    if ranges.is_empty() {
        return Some(inside);
    }
    ranges
        .iter()
        .find(|range| inside >= range.inside && inside - range.inside < range.size)
        .map(|range| range.outside + (inside - range.inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shift() -> IdShift {
        let range = IdRange {
            inside: 0,
            outside: 100_000,
            size: 65_536,
        };
        IdShift {
            uids: vec![range],
            gids: vec![range],
        }
    }

    #[test]
    fn owners_are_told_as_the_container_sees_them() {
        assert_eq!(shift().uid(100_000), 0);
        assert_eq!(shift().gid(101_000), 1000);
        assert_eq!(shift().uid(0), OVERFLOW);
        assert_eq!(shift().uid(165_536), OVERFLOW);
        assert_eq!(IdShift::default().uid(42), 42);
    }

    #[test]
    fn capabilities_of_the_containers_root_become_roots() {
        let v3 = |root: u32| {
            let mut value = vec![0; CAPABILITY_V3];
            value[..4].copy_from_slice(&(REVISION_3 | 1).to_le_bytes());
            value[20..].copy_from_slice(&root.to_le_bytes());
            value
        };
        let mut value = v3(100_000);
        shift().attribute(b"security.capability", &mut value);
        assert_eq!(value.len(), CAPABILITY_V2);
        assert_eq!(word(&value, 0), REVISION_2 | 1);
        let mut foreign = v3(5);
        shift().attribute(b"security.capability", &mut foreign);
        assert_eq!(foreign, v3(5));
    }

    #[test]
    fn named_users_of_an_acl_are_shifted_and_the_owner_entry_is_not() {
        let entry =
            |tag: u16, id: u32| [&tag.to_le_bytes()[..], &[7, 0], &id.to_le_bytes()].concat();
        let acl = |entries: &[Vec<u8>]| [&[2, 0, 0, 0][..], &entries.concat()].concat();
        let none = u32::MAX;
        let mut value = acl(&[entry(1, none), entry(2, 100_005), entry(8, 100_006)]);
        shift().attribute(b"system.posix_acl_access", &mut value);
        assert_eq!(value, acl(&[entry(1, none), entry(2, 5), entry(8, 6)]));
    }
}
