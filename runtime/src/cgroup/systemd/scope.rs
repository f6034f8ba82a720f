//! Names of units, from an OCI `cgroupsPath`.

use super::error::SystemdError;

/// Where systemd puts what is said to be nowhere.
const DEFAULT_SLICE: &str = "system.slice";
/// The prefix when there is no path.
const DEFAULT_PREFIX: &str = "rbox";

/// A scope unit and the slice that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The slice: `machine.slice`, `user-1000.slice`; `-.slice` for the root.
    pub slice: String,
    /// The unit: `prefix-name.scope`.
    pub unit: String,
}

impl Scope {
    /// From `slice:prefix:name`. An empty slice is `system.slice`, an empty
    /// prefix none.
    ///
    /// # Errors
    /// [`SystemdError::Path`].
    pub fn parse(path: &str) -> Result<Scope, SystemdError> {
        let wrong = |why| SystemdError::Path {
            path: path.to_owned(),
            why,
        };
        let parts: Vec<&str> = path.split(':').collect();
        let [slice, prefix, name] = parts.as_slice() else {
            return Err(wrong("it is not slice:prefix:name"));
        };
        let slice = if slice.is_empty() {
            DEFAULT_SLICE
        } else {
            slice
        };
        if !is_slice(slice) {
            return Err(wrong("the first part is not the name of a slice"));
        }
        if name.is_empty() {
            return Err(wrong("the name is empty"));
        }
        let unit = if prefix.is_empty() {
            format!("{name}.scope")
        } else {
            format!("{prefix}-{name}.scope")
        };
        if !is_unit(&unit) {
            return Err(wrong("it has characters that no unit's name may have"));
        }
        Ok(Scope {
            slice: slice.to_owned(),
            unit,
        })
    }

    /// The same, or the scope of the container `id` when there is no path.
    ///
    /// # Errors
    /// [`SystemdError::Path`].
    pub fn for_container(path: &str, id: &str) -> Result<Scope, SystemdError> {
        if path.is_empty() {
            Scope::parse(&format!("{DEFAULT_SLICE}:{DEFAULT_PREFIX}:{id}"))
        } else {
            Scope::parse(path)
        }
    }

    /// The cgroup that systemd makes for it: each dash of a slice's name is a
    /// level.
    #[must_use]
    pub fn cgroup_path(&self) -> String {
        let mut path = String::new();
        let name = self.slice.trim_end_matches(".slice");
        if name != "-" {
            let mut level = String::new();
            for part in name.split('-') {
                if !level.is_empty() {
                    level.push('-');
                }
                level.push_str(part);
                path.push_str(&format!("/{level}.slice"));
            }
        }
        format!("{path}/{}", self.unit)
    }

    /// The unit whose cgroup is `path`, if systemd made it.
    pub(super) fn unit_of(path: &str) -> Option<&str> {
        let (parents, unit) = path.rsplit_once('/')?;
        let in_slice = parents.is_empty() || parents.ends_with(".slice");
        (in_slice && unit.ends_with(".scope")).then_some(unit)
    }
}

fn is_slice(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".slice") else {
        return false;
    };
    // `-.slice` is the root.
    is_unit(name) && (stem == "-" || stem.split('-').all(|part| !part.is_empty()))
}

/// The characters of systemd.unit(5).
fn is_unit(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    name.len() <= 255 && !name.starts_with('.') && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_slice_and_a_scope() {
        for (path, slice, unit, cgroup) in [
            (
                "system.slice:docker:abc",
                "system.slice",
                "docker-abc.scope",
                "/system.slice/docker-abc.scope",
            ),
            (
                "user-1000-x.slice::abc",
                "user-1000-x.slice",
                "abc.scope",
                "/user.slice/user-1000.slice/user-1000-x.slice/abc.scope",
            ),
            (
                ":libpod:abc",
                "system.slice",
                "libpod-abc.scope",
                "/system.slice/libpod-abc.scope",
            ),
            ("-.slice:a:b", "-.slice", "a-b.scope", "/a-b.scope"),
        ] {
            let scope = Scope::parse(path).unwrap();
            assert_eq!((&*scope.slice, &*scope.unit), (slice, unit), "{path}");
            assert_eq!(scope.cgroup_path(), cgroup);
            assert_eq!(Scope::unit_of(cgroup), Some(unit));
        }
        let none = Scope::for_container("", "abc").unwrap();
        assert_eq!(none.cgroup_path(), "/system.slice/rbox-abc.scope");
    }

    #[test]
    fn other_paths_are_refused() {
        for bad in [
            "",
            "/docker/abc",
            "a:b",
            "a:b:c:d",
            "system:docker:abc",
            "-a.slice:docker:abc",
            "a--b.slice:docker:abc",
            "a/b.slice:docker:abc",
            "../x.slice:docker:abc",
            "system.slice:docker:",
            "system.slice:docker:a/b",
            "system.slice:docker:a b",
        ] {
            assert!(Scope::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn other_groups_have_no_unit() {
        for path in [
            "/rbox/abc",
            "/a.slice/b.scope/c",
            "/rbox/x.scope",
            "/a.slice/b.service",
        ] {
            assert_eq!(Scope::unit_of(path), None, "{path}");
        }
    }
}
