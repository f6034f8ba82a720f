//! The servers of the host's resolv.conf as it is now.
//!
//! A host's servers change while containers run: a laptop joins another
//! network, a VPN comes up. The file is looked at before each forward (one
//! stat) and read when it is another than last time.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::stamp::Stamp;
use crate::files::resolv;

/// Port of a name server.
const PORT: u16 = 53;

/// One of the host's files.
#[derive(Debug)]
pub(super) struct HostServers {
    path: PathBuf,
    stamp: Option<Stamp>,
    servers: Vec<SocketAddr>,
}

impl HostServers {
    pub(super) fn new(path: &Path) -> HostServers {
        HostServers {
            path: path.to_owned(),
            stamp: None,
            servers: Vec::new(),
        }
    }

    /// In the order of the file; a file without any stands for the public defaults, as at start.
    /// `None` while the file has never been read.
    pub(super) fn current(&mut self) -> Option<&[SocketAddr]> {
        let found = Stamp::of(&self.path);
        // While it is away or cannot be read what it said last is the best that is known.
        if found.is_some()
            && found != self.stamp
            && let Ok(text) = std::fs::read_to_string(&self.path)
        {
            self.servers = resolv::external_servers(&text, &[])
                .iter()
                .map(|server| SocketAddr::new(server.ip, PORT))
                .collect();
            self.stamp = found;
        }
        self.stamp.is_some().then_some(self.servers.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_are_those_of_the_file_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("resolv.conf");
        let mut host = HostServers::new(&path);
        assert_eq!(host.current(), None);
        std::fs::write(&path, "nameserver 198.51.100.1\nsearch a\n").unwrap();
        assert_eq!(
            host.current(),
            Some(&["198.51.100.1:53".parse().unwrap()][..])
        );
        std::fs::write(&path, "nameserver 2001:db8::1\nnameserver 10.0.0.1\n").unwrap();
        let both = ["[2001:db8::1]:53", "10.0.0.1:53"].map(|server| server.parse().unwrap());
        assert_eq!(host.current(), Some(&both[..]));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(host.current(), Some(&both[..]));
    }
}
