//! An archive put into a directory that somebody lives in: `cp`.
//!
//! The directory may be a running container's, whose processes rename and replace what they can
//! meanwhile. As for a layer, everything is opened and made by its last name relative to a pinned
//! directory, so that nothing leads out; here mounts may be below, names mean themselves, and a
//! directory gives way to nothing.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use super::entry_name::Entry;
use super::limits::Budget;
use super::pack::IdShift;
use super::times::DirectoryTimes;
use super::tree::Tree;
use super::{COPY_BUFFER, UnpackError, node, strip_root};
use crate::tar::{Kind, Member, Reader, shown};

/// How many names of what was left out are told.
const NAMED: usize = 5;

/// Who owns what is made.
#[derive(Debug, Clone)]
pub enum Owners {
    /// One user and group, as the host counts them. Nothing of theirs becomes privileged: setuid,
    /// setgid and file capabilities are dropped, and of the attributes the user's own stay.
    One(u32, u32),
    /// Those of the archive, as the container that the files are for counts them.
    OfArchive(IdShift),
}

/// How an archive is put somewhere.
#[derive(Debug, Clone)]
pub struct Placing {
    /// Who owns what is made.
    pub owners: Owners,
    /// Devices are made, too; otherwise they are left out.
    pub devices: bool,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placed {
    /// The first few names of devices that were left out.
    pub left_out: Vec<String>,
    /// How many there were.
    pub left_out_count: u64,
}

/// Puts an uncompressed tar into `directory` and reads it to its end. `scratch` is an empty file
/// of the caller's.
pub(crate) fn place(
    tar: impl Read,
    directory: OwnedFd,
    scratch: File,
    placing: &Placing,
) -> Result<Placed, UnpackError> {
    let mut reader = Reader::new(tar);
    let mut budget = Budget::of(&directory);
    let mut tree = Tree::lived_in(directory);
    let mut times = DirectoryTimes::new(scratch);
    let mut placed = Placed::default();
    let mut buffer = vec![0; COPY_BUFFER];
    while let Some(mut member) = reader.next_member()? {
        strip_root(&mut member.name);
        if member.kind == Kind::HardLink {
            strip_root(&mut member.link);
        }
        budget.take(&member)?;
        placing.change(&mut member)?;
        let entry = Entry::literal(&member.name)
            .map_err(|problem| UnpackError::name(&member.name, problem))?;
        // The directory itself stays as it is.
        let Entry::File(name) = entry else { continue };
        if !placing.devices && matches!(member.kind, Kind::Character | Kind::Block) {
            placed.left_out_count += 1;
            if placed.left_out.len() < NAMED {
                placed.left_out.push(shown(&member.name));
            }
            continue;
        }
        if node::make(&mut tree, &name, &member, &mut reader, &mut buffer)? {
            times
                .note(&name, member.mtime)
                .map_err(|error| UnpackError::io(&member.name, error))?;
        }
    }
    times.replay(&mut tree)?;
    reader.drain()?;
    Ok(placed)
}

impl Placing {
    fn change(&self, member: &mut Member) -> Result<(), UnpackError> {
        match &self.owners {
            Owners::One(uid, gid) => {
                (member.uid, member.gid) = (*uid, *gid);
                member.mode &= match member.kind {
                    // The sticky bit of a directory takes rights away.
                    Kind::Directory => 0o1777,
                    _ => 0o777,
                };
                member.xattrs.retain(|(name, _)| name.starts_with(b"user."));
            }
            Owners::OfArchive(ids) => {
                let owner = ids.outside_uid(member.uid).zip(ids.outside_gid(member.gid));
                (member.uid, member.gid) = owner.ok_or_else(|| {
                    let text = format!(
                        "its owner {}:{} is none of the container's ids",
                        member.uid, member.gid
                    );
                    UnpackError::io(&member.name, std::io::Error::other(text))
                })?;
            }
        }
        Ok(())
    }
}
