//! Extended attributes of a pinned file: which of them belong into a layer.

use rustix::io::Errno;

use super::PackProblem;

/// Limits of the kernel (`XATTR_LIST_MAX`, `XATTR_SIZE_MAX` of linux/limits.h).
const LARGEST: usize = 65536;
const OPAQUE: &[u8] = b"trusted.overlay.opaque";

/// What a file has.
#[derive(Default)]
pub(super) struct Attributes {
    /// Sorted by name.
    pub(super) kept: Vec<(Vec<u8>, Vec<u8>)>,
    /// Nothing of lower layers shows in this directory.
    pub(super) opaque: bool,
    /// Overlayfs' own notes, which mean nothing outside the mount that wrote them.
    pub(super) notes: Vec<Vec<u8>>,
}

/// Reads attributes, with its buffers used again for each file.
pub(super) struct AttributeReader {
    names: Vec<u8>,
    value: Vec<u8>,
}

/// What to do with an attribute.
#[derive(Debug, PartialEq, Eq)]
enum Use {
    Keep,
    Opaque,
    Note,
    /// The directory's content, or the file's, is elsewhere.
    Elsewhere,
    /// The host's own label.
    Drop,
}

impl AttributeReader {
    pub(super) fn new() -> AttributeReader {
        AttributeReader {
            names: vec![0; LARGEST],
            value: vec![0; LARGEST],
        }
    }

    /// `place` is the file's path under `/proc/self/fd`: there is no call for a descriptor that is
    /// a mere place, and links and devices have no other.
    pub(super) fn read(&mut self, place: &str) -> Result<Attributes, PackProblem> {
        let length = match rustix::fs::listxattr(place, &mut self.names[..]) {
            Ok(0) | Err(Errno::NOTSUP) => return Ok(Attributes::default()),
            Ok(length) => length,
            Err(error) => return Err(error.into()),
        };
        let mut found = Attributes::default();
        for name in self.names[..length].split(|byte| *byte == 0) {
            if name.is_empty() {
                continue;
            }
            let purpose = purpose(name);
            if purpose == Use::Drop {
                continue;
            }
            let length = match rustix::fs::getxattr(place, name, &mut self.value[..]) {
                Ok(length) => length,
                // Taken away meanwhile.
                Err(Errno::NODATA) => continue,
                Err(error) => return Err(error.into()),
            };
            let value = &self.value[..length];
            match purpose {
                Use::Keep if name.contains(&b'=') => {
                    return Err(PackProblem::AttributeName(crate::tar::shown(name)));
                }
                Use::Keep => found.kept.push((name.to_vec(), value.to_vec())),
                Use::Opaque if value == b"y" => found.opaque = true,
                Use::Elsewhere => return Err(PackProblem::Elsewhere(crate::tar::shown(name))),
                Use::Opaque | Use::Note | Use::Drop => found.notes.push(name.to_vec()),
            }
        }
        found.kept.sort_unstable();
        Ok(found)
    }
}

fn purpose(name: &[u8]) -> Use {
    if name == OPAQUE {
        return Use::Opaque;
    }
    if let Some(note) = name.strip_prefix(b"trusted.overlay.") {
        return match note {
            b"redirect" | b"metacopy" => Use::Elsewhere,
            _ => Use::Note,
        };
    }
    if name.starts_with(b"user.overlay.") {
        return Use::Note;
    }
    match name.strip_prefix(b"security.") {
        None | Some(b"capability") => Use::Keep,
        Some(_) => Use::Drop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_labels_and_overlayfs_notes_are_no_part_of_a_layer() {
        assert_eq!(purpose(b"user.mime"), Use::Keep);
        assert_eq!(purpose(b"security.capability"), Use::Keep);
        assert_eq!(purpose(b"system.posix_acl_access"), Use::Keep);
        assert_eq!(purpose(b"trusted.mine"), Use::Keep);
        assert_eq!(purpose(b"security.selinux"), Use::Drop);
        assert_eq!(purpose(b"trusted.overlay.origin"), Use::Note);
        assert_eq!(purpose(b"trusted.overlay.opaque"), Use::Opaque);
        assert_eq!(purpose(b"trusted.overlay.redirect"), Use::Elsewhere);
        assert_eq!(purpose(b"user.overlay.origin"), Use::Note);
    }
}
