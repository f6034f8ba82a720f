//! A group inside a container's group, for who wants to join that one.

use super::hierarchy::Hierarchy;
use super::path::CgroupPath;
use super::{Cgroup, CgroupError};

/// What a group is inside of, for the hierarchies in which the group is not
/// there or not meant: who joins it stays in the container's there.
#[derive(Debug, Clone)]
pub(super) struct Within {
    container: CgroupPath,
    /// Names of controllers (`memory`, `name=systemd`); empty for all.
    only: Vec<String>,
}

/// [`Cgroup::sub`].
pub(super) fn open(container: &Cgroup, name: &str) -> Result<Cgroup, CgroupError> {
    let (only, path) = parse(name)?;
    for wanted in &only {
        if !container.members().any(|one| is_named(one, wanted)) {
            return Err(CgroupError::Unsupported {
                what: format!("the cgroup {name:?}"),
                why: format!("there is no {wanted} cgroup controller"),
            });
        }
    }
    let path = CgroupPath::parse(&format!("{}{}", container.path(), path.absolute()))?;
    let within = Within {
        container: container.path.clone(),
        only,
    };
    let found = container
        .members()
        .any(|one| within.means(one) && one.directory(&path).is_dir());
    if !found {
        return Err(CgroupError::NotFound(path.absolute().to_owned()));
    }
    Ok(Cgroup {
        path,
        layout: container.layout.clone(),
        within: Some(within),
    })
}

impl Within {
    /// The group to join in `one`, of a group inside the container's at `path`.
    pub(super) fn joined<'a>(
        &'a self,
        path: &'a CgroupPath,
        one: &dyn Hierarchy,
    ) -> &'a CgroupPath {
        if self.means(one) && one.directory(path).is_dir() {
            path
        } else {
            &self.container
        }
    }

    fn means(&self, one: &dyn Hierarchy) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| is_named(one, wanted))
    }
}

/// `PATH`, or `CONTROLLER,…:PATH`.
fn parse(name: &str) -> Result<(Vec<String>, CgroupPath), CgroupError> {
    let Some((controllers, path)) = name.split_once(':') else {
        return Ok((Vec::new(), CgroupPath::parse(name)?));
    };
    let only: Vec<String> = controllers.split(',').map(str::to_owned).collect();
    if only.iter().any(String::is_empty) {
        return Err(CgroupError::Path(name.to_owned()));
    }
    Ok((only, CgroupPath::parse(path)?))
}

fn is_named(one: &dyn Hierarchy, wanted: &str) -> bool {
    one.label().split(',').any(|part| part == wanted)
        || one.controllers().iter().any(|known| known.name() == wanted)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn controllers_may_stand_before_the_path() {
        let parsed = |name| {
            let (only, path) = parse(name).unwrap();
            (only.join("+"), path.absolute().to_owned())
        };
        assert_eq!(parsed("a/b"), (String::new(), "/a/b".to_owned()));
        assert_eq!(parsed("/a"), (String::new(), "/a".to_owned()));
        assert_eq!(
            parsed("cpu,memory:a"),
            ("cpu+memory".to_owned(), "/a".to_owned())
        );
        for bad in [
            "",
            "/",
            "../a",
            "a/..",
            "memory:",
            "memory:..",
            ":a",
            "cpu,:a",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
