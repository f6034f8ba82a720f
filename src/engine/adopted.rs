//! Network namespaces of somebody else's that containers run in (`--network ns:PATH`): found,
//! never made, named or taken away.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rbox_netsetup::kernel::netns;

use super::failure::Failure;

/// Where `ip netns add` names namespaces (ip-netns(8)).
const NAMED: [&str; 2] = ["/run/netns", "/var/run/netns"];

/// Opens a network namespace by its path.
pub fn open(path: &Path) -> Result<OwnedFd, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(format!(
            "joining network namespace {}: {error}",
            path.display()
        ))
    };
    match netns::open_given(path) {
        Ok(Some(namespace)) => Ok(namespace),
        Ok(None) => Err(Failure::new(format!(
            "joining network namespace {}: it is no network namespace",
            path.display()
        ))
        .hint("`ip netns` lists those that have names, below /run/netns")),
        Err(error) => Err(failed(error)),
    }
}

/// A file of /etc that a namespace with a name has of its own: /etc/netns/NAME/… (ip-netns(8)).
pub fn own_file(namespace: &Path, file: &str) -> Option<PathBuf> {
    let directory = namespace.parent()?.to_str()?;
    let name = NAMED
        .contains(&directory)
        .then(|| namespace.file_name())??;
    let path = Path::new("/etc/netns").join(name).join(file);
    path.exists().then_some(path)
}

/// The same, or the host's.
pub fn file(namespace: &Path, file: &str) -> PathBuf {
    own_file(namespace, file).unwrap_or_else(|| Path::new("/etc").join(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leads_to_no_network_namespace_is_refused() {
        let text = |path: &str| open(Path::new(path)).unwrap_err().message;
        assert_eq!(
            text("/nosuch/netns"),
            "joining network namespace /nosuch/netns: No such file or directory (os error 2)"
        );
        for path in ["/etc/passwd", "/proc/self/ns/mnt", "/"] {
            assert_eq!(
                text(path),
                format!("joining network namespace {path}: it is no network namespace")
            );
        }
        assert!(open(Path::new("/proc/self/ns/net")).is_ok());
    }

    #[test]
    fn only_a_namespace_with_a_name_has_files() {
        assert_eq!(own_file(Path::new("/proc/1/ns/net"), "hosts"), None);
        assert_eq!(
            file(Path::new("/run/netns/nosuch"), "hosts"),
            Path::new("/etc/hosts")
        );
    }
}
