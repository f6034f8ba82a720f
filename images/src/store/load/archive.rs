//! The members of an archive of images, in files that have nothing to do with their names.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::de::DeserializeOwned;

use super::LoadError;
use crate::digest::{Digest, Hasher};
use crate::store::files;
use crate::store::manifest::ManifestError;
use crate::store::session::Session;
use crate::store::write::writing;
use crate::tar::{Kind, Reader, TarError, shown};

/// One member's bytes.
#[derive(Debug, Clone)]
pub(super) struct Spooled {
    pub(super) path: PathBuf,
    pub(super) digest: Digest,
    pub(super) size: u64,
}

enum Member {
    File(Spooled),
    /// Docker wrote links for layers that several images share.
    Link(String),
}

pub(super) struct Archive {
    members: HashMap<String, Member>,
}

/// Bound on the memory that names take.
const MOST_NAME_BYTES: usize = 16 << 20;
const LONGEST_NAME: usize = 4096;
const MOST_LINKS: usize = 8;

impl Archive {
    /// Reads the whole archive.
    pub(super) fn spool(session: &Session<'_>, plain: impl Read) -> Result<Archive, LoadError> {
        let mut reader = Reader::new(plain);
        let mut members = HashMap::new();
        let mut buffer = vec![0; 256 * 1024];
        let mut name_bytes = 0;
        while let Some(member) = reader.next_member()? {
            let name = normal(&member.name)?;
            name_bytes += name.len() + 64;
            if name_bytes > MOST_NAME_BYTES {
                return Err(LoadError::TooManyMembers);
            }
            let kept = match member.kind {
                Kind::Regular if member.sparse.is_none() => {
                    let spooled = spool_one(session, &mut reader, member.size, &mut buffer)?;
                    check_blob(&name, &spooled)?;
                    Member::File(spooled)
                }
                Kind::Symlink => Member::Link(beside(&name, &member.link)?),
                Kind::HardLink => Member::Link(normal(&member.link)?),
                // Directories say nothing, and nothing else belongs here.
                _ => continue,
            };
            members.insert(name, kept);
        }
        reader.drain()?;
        Ok(Archive { members })
    }

    /// The member of this name, through links.
    pub(super) fn find(&self, name: &str) -> Option<&Spooled> {
        let mut name = name;
        for _ in 0..MOST_LINKS {
            match self.members.get(name)? {
                Member::File(spooled) => return Some(spooled),
                Member::Link(target) => name = target,
            }
        }
        None
    }

    pub(super) fn require(&self, name: &str) -> Result<&Spooled, LoadError> {
        self.find(name)
            .ok_or_else(|| LoadError::Missing(name.to_owned()))
    }

    /// The blob of this digest; it was checked when it was read.
    pub(super) fn blob(&self, digest: &Digest) -> Option<&Spooled> {
        self.find(&blob_name(digest))
            .filter(|spooled| spooled.digest == *digest)
    }

    pub(super) fn require_blob(&self, digest: &Digest) -> Result<&Spooled, LoadError> {
        self.blob(digest)
            .ok_or_else(|| LoadError::Missing(blob_name(digest)))
    }
}

fn blob_name(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

impl Spooled {
    pub(super) fn open(&self) -> Result<File, LoadError> {
        File::open(&self.path).map_err(LoadError::Read)
    }

    /// The whole content, if it is small enough for a description.
    pub(super) fn read(&self) -> Result<Vec<u8>, LoadError> {
        Ok(files::read_small(&self.path)?)
    }

    pub(super) fn json<T: DeserializeOwned>(&self, what: &'static str) -> Result<T, LoadError> {
        let bytes = self.read()?;
        serde_json::from_slice(&bytes).map_err(|source| ManifestError::Json { what, source }.into())
    }
}

fn spool_one<R: Read>(
    session: &Session<'_>,
    reader: &mut Reader<R>,
    size: u64,
    buffer: &mut [u8],
) -> Result<Spooled, LoadError> {
    let (mut file, path) = session.scratch()?;
    let mut hasher = Hasher::default();
    loop {
        let read = reader
            .data()
            .read(buffer)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => TarError::Truncated,
                _ => TarError::Read(error),
            })?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        file.write_all(&buffer[..read]).map_err(writing(&path))?;
    }
    Ok(Spooled {
        path,
        digest: hasher.finish(),
        size,
    })
}

/// A member of an OCI layout that bears its digest as its name must have it.
fn check_blob(name: &str, spooled: &Spooled) -> Result<(), LoadError> {
    let Some(hex) = name.strip_prefix("blobs/sha256/") else {
        return Ok(());
    };
    if spooled.digest.hex() == hex {
        return Ok(());
    }
    Err(LoadError::Digest {
        name: name.to_owned(),
        found: spooled.digest.clone(),
    })
}

fn refused(name: &[u8]) -> LoadError {
    LoadError::Name(shown(name))
}

/// A name without `.` and doubled slashes; never absolute, never with `..`.
fn normal(name: &[u8]) -> Result<String, LoadError> {
    let text = std::str::from_utf8(name).map_err(|_| refused(name))?;
    if name.len() > LONGEST_NAME || text.starts_with('/') {
        return Err(refused(name));
    }
    let mut parts = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(refused(name)),
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// Where a symbolic link next to `name` leads, inside the archive.
fn beside(name: &str, target: &[u8]) -> Result<String, LoadError> {
    let text = std::str::from_utf8(target).map_err(|_| refused(target))?;
    if target.len() > LONGEST_NAME || text.starts_with('/') {
        return Err(refused(target));
    }
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(|| refused(target))?;
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelt_one_way_and_never_lead_out() {
        assert_eq!(normal(b"./a//b/").unwrap(), "a/b");
        for bad in [&b"/a"[..], b"../a", b"a/../b", b"\xff", &[b'a'; 5000]] {
            assert!(normal(bad).is_err());
        }
    }

    #[test]
    fn links_lead_to_members_only() {
        assert_eq!(
            beside("new/layer.tar", b"../old/layer.tar").unwrap(),
            "old/layer.tar"
        );
        assert!(beside("layer.tar", b"../x").is_err());
        assert!(beside("a/layer.tar", b"/etc/passwd").is_err());
    }
}
