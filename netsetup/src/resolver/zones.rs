//! The names of one network, kept compactly and read again when its file changed.
//!
//! Every container's monitor keeps its networks' names, so their size counts:
//! the file's text, one small reference a name and one record an address.
//! Nothing is kept before the first query. Each resolver that is asked reads a
//! file that changed, so that reading it is quick counts too: names are hashed,
//! not sorted.

use std::ffi::CString;
use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, fstat, openat, stat};

use super::stamp::Stamp;
use crate::files::zone;

/// A zone larger than this is not one of ours, bytes.
const MAX_ZONE: u64 = 16 << 20;

/// A network's names, as fresh as its file.
#[derive(Debug)]
pub(super) struct ZoneFile {
    path: CString,
    stamp: Option<Stamp>,
    index: Index,
}

impl ZoneFile {
    pub(super) fn new(path: &Path) -> ZoneFile {
        // A path with a NUL byte cannot exist, like the empty path.
        let path = CString::new(path.as_os_str().as_bytes()).unwrap_or_default();
        ZoneFile {
            path,
            stamp: None,
            index: Index::default(),
        }
    }

    /// The names, after one stat: the file is read only when it is another one than last time.
    pub(super) fn names(&mut self) -> &Index {
        let found = stat(&self.path).ok().map(|stat| Stamp::from(&stat));
        if found.is_none() {
            self.stamp = None;
            self.index = Index::default();
        } else if found != self.stamp {
            // On an error the old names stay, and the next query tries again.
            if let Some((stamp, text)) = self.read() {
                self.index = Index::new(text);
                self.stamp = Some(stamp);
            }
        }
        &self.index
    }

    /// The text with the stamp of the very file it was read from.
    fn read(&self) -> Option<(Stamp, String)> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = File::from(openat(CWD, &self.path, flags, Mode::empty()).ok()?);
        let stat = fstat(&file).ok()?;
        let mut bytes = Vec::new();
        file.take(MAX_ZONE).read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Some((Stamp::from(&stat), text))
    }
}

/// Names and addresses of a zone.
#[derive(Debug, Default)]
pub(super) struct Index {
    text: Box<str>,
    /// In the order of the file.
    names: Box<[NameRef]>,
    /// For each remainder of a name's hash the first of its names; the number of remainders is a
    /// power of two.
    first: Box<[u32]>,
    hosts: Box<[Host]>,
}

/// No name: the end of a chain.
const END: u32 = u32::MAX;

/// A name in the text, and the host it belongs to.
#[derive(Clone, Copy, Debug)]
struct NameRef {
    span: Span,
    host: u32,
    /// The next name whose hash has the same remainder, or [`END`].
    next: u32,
}

#[derive(Clone, Copy, Debug)]
struct Host {
    ip: IpAddr,
    /// The container's own name.
    name: Span,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    length: u32,
}

impl Index {
    fn new(mut text: String) -> Index {
        text.shrink_to_fit();
        let (mut names, mut hosts) = (Vec::new(), Vec::new());
        for (ip, host_names) in zone::lines(&text) {
            let host = hosts.len() as u32;
            let first = names.len();
            for name in host_names {
                // The zone's size is far below 4 GiB.
                let start = (name.as_ptr() as usize - text.as_ptr() as usize) as u32;
                names.push(NameRef {
                    span: Span {
                        start,
                        length: name.len() as u32,
                    },
                    host,
                    next: END,
                });
            }
            if let Some(name) = names.get(first) {
                hosts.push(Host {
                    ip,
                    name: name.span,
                });
            }
        }
        let mut first = vec![END; names.len().next_power_of_two()];
        // From the last, so that each chain has the order of the file.
        for (index, name) in names.iter_mut().enumerate().rev() {
            let remainder = hash(slice(&text, name.span)) as usize & (first.len() - 1);
            if let Some(first) = first.get_mut(remainder) {
                name.next = std::mem::replace(first, index as u32);
            }
        }
        Index {
            text: text.into(),
            names: names.into(),
            first: first.into(),
            hosts: hosts.into(),
        }
    }

    /// The addresses of a name, case ignored, in the order of the file.
    pub(super) fn addresses(&self, name: &[u8]) -> impl Iterator<Item = IpAddr> {
        let remainder = hash(name) as usize & self.first.len().wrapping_sub(1);
        let at = |index: &u32| self.names.get(*index as usize);
        let chain = std::iter::successors(self.first.get(remainder).and_then(at), move |it| {
            at(&it.next)
        });
        chain
            .filter(|it| slice(&self.text, it.span).eq_ignore_ascii_case(name))
            .filter_map(|it| Some(self.hosts.get(it.host as usize)?.ip))
    }

    /// The container's own name at an address.
    pub(super) fn name(&self, ip: IpAddr) -> Option<&str> {
        let host = self.hosts.iter().find(|host| host.ip == ip)?;
        std::str::from_utf8(slice(&self.text, host.name)).ok()
    }
}

fn slice(text: &str, span: Span) -> &[u8] {
    let start = span.start as usize;
    text.as_bytes()
        .get(start..start + span.length as usize)
        .unwrap_or_default()
}

/// FNV-1a of the name without case. Names are given by whoever may start containers, not by what
/// runs in them.
fn hash(name: &[u8]) -> u32 {
    name.iter().fold(0x811c_9dc5, |hash: u32, byte| {
        (hash ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(index: &Index, name: &str) -> Vec<String> {
        index
            .addresses(name.as_bytes())
            .map(|ip| ip.to_string())
            .collect()
    }

    #[test]
    fn names_are_found_without_regard_to_case() {
        let index = Index::new(
            "10.0.0.2\tweb Shared a1\n10.0.0.3\tdb shared\n# no\n10.0.0.4\tWebber\nfd00::2\tweb\n"
                .into(),
        );
        assert_eq!(all(&index, "WEB"), ["10.0.0.2", "fd00::2"]);
        assert_eq!(all(&index, "shared"), ["10.0.0.2", "10.0.0.3"]);
        assert_eq!(all(&index, "webber"), ["10.0.0.4"]);
        assert!(all(&index, "we").is_empty());
        assert!(all(&index, "").is_empty());
        assert!(all(&index, "zzz").is_empty());
        assert_eq!(index.name("10.0.0.4".parse().unwrap()), Some("Webber"));
        assert_eq!(index.name("fd00::2".parse().unwrap()), Some("web"));
        assert_eq!(index.name("10.0.0.9".parse().unwrap()), None);
    }

    #[test]
    fn a_replaced_file_is_read_again_and_a_missing_one_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hosts");
        let mut file = ZoneFile::new(&path);
        assert!(all(file.names(), "web").is_empty());
        let replace = |text: &str| {
            let new = dir.path().join("hosts.new");
            std::fs::write(&new, text).unwrap();
            std::fs::rename(&new, &path).unwrap();
        };
        replace("10.0.0.2\tweb\n");
        assert_eq!(all(file.names(), "web"), ["10.0.0.2"]);
        replace("10.0.0.3\tweb\n");
        assert_eq!(all(file.names(), "web"), ["10.0.0.3"]);
        std::fs::remove_file(&path).unwrap();
        assert!(all(file.names(), "web").is_empty());
    }

    #[test]
    fn an_unchanged_file_is_not_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hosts");
        std::fs::write(&path, "10.0.0.2\tweb\n").unwrap();
        let mut file = ZoneFile::new(&path);
        let before = file.names().text.as_ptr();
        assert_eq!(file.names().text.as_ptr(), before);
    }

    #[test]
    fn bytes_that_are_no_text_do_no_harm() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hosts");
        std::fs::write(&path, b"10.0.0.2\tweb \xff\xfe\n\xff\n10.0.0.3\tdb").unwrap();
        let mut file = ZoneFile::new(&path);
        assert_eq!(all(file.names(), "db"), ["10.0.0.3"]);
        assert_eq!(all(file.names(), "web"), ["10.0.0.2"]);
    }
}
