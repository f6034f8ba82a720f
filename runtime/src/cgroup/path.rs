//! The name of a group, checked.

use super::CgroupError;
use std::path::{Path, PathBuf};

/// A group's name, relative to the root of every hierarchy; never empty, never
/// leading out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CgroupPath {
    /// With a leading slash and no other useless ones.
    absolute: String,
}

impl CgroupPath {
    /// From an OCI `cgroupsPath`; relative ones are taken from the root too.
    pub(super) fn parse(path: &str) -> Result<CgroupPath, CgroupError> {
        let mut absolute = String::with_capacity(path.len() + 1);
        for part in path.split('/').filter(|part| !part.is_empty()) {
            if part == "." || part == ".." || part.len() > 255 || part.contains(['\0', '\n']) {
                return Err(CgroupError::Path(path.to_owned()));
            }
            absolute.push('/');
            absolute.push_str(part);
        }
        if absolute.is_empty() {
            Err(CgroupError::Path(path.to_owned()))
        } else {
            Ok(CgroupPath { absolute })
        }
    }

    pub(super) fn absolute(&self) -> &str {
        &self.absolute
    }

    /// The directory below `mount`.
    pub(super) fn below(&self, mount: &Path) -> PathBuf {
        mount.join(self.absolute.trim_start_matches('/'))
    }

    /// The directories between `mount` and the group, outermost first, without
    /// either of them.
    pub(super) fn parents(&self, mount: &Path) -> Vec<PathBuf> {
        let parts: Vec<&str> = self.absolute.split('/').skip(1).collect();
        let mut parents = Vec::with_capacity(parts.len());
        let mut directory = mount.to_path_buf();
        for part in parts.iter().take(parts.len().saturating_sub(1)) {
            directory.push(part);
            parents.push(directory.clone());
        }
        parents
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_from_the_root_of_the_hierarchy() {
        let path = CgroupPath::parse("//rbox//abc/").unwrap();
        assert_eq!(path.absolute(), "/rbox/abc");
        assert_eq!(path.below(Path::new("/m")), Path::new("/m/rbox/abc"));
        assert_eq!(path.parents(Path::new("/m")), [Path::new("/m/rbox")]);
        assert_eq!(CgroupPath::parse("a").unwrap().absolute(), "/a");
        assert!(
            CgroupPath::parse("a")
                .unwrap()
                .parents(Path::new("/m"))
                .is_empty()
        );
    }

    #[test]
    fn a_path_cannot_lead_out_or_be_the_root() {
        for bad in ["", "/", "/../x", "rbox/..", "rbox/./x", "a\nb"] {
            assert!(CgroupPath::parse(bad).is_err(), "{bad:?}");
        }
    }
}
