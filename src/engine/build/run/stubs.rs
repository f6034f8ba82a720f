//! Mount points that the runtime makes where the image has none: which ones they will be.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// Symlinks followed on the way to a mount point; the kernel's own limit.
const LINKS: usize = 40;

/// What is at a path whose parents are no symlinks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A directory.
    Directory,
    /// A symlink and where it points.
    Symlink(PathBuf),
    /// Anything else.
    Other,
}

/// What is made for a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory, for a directory to be mounted on or as the way there.
    Directory,
    /// An empty file, for a file to be mounted on.
    File,
}

/// The mount points that are missing: paths without symlinks, from the top without a slash, each
/// with what is made there. `look` tells what there is before the container starts.
pub fn missing(
    targets: &[(String, Kind)],
    look: &dyn Fn(&Path) -> Option<Node>,
) -> BTreeMap<PathBuf, Kind> {
    let mut made = BTreeMap::new();
    for (target, kind) in targets {
        follow(target, *kind, look, &mut made);
    }
    made
}

/// Goes the way that the runtime goes, which makes what is missing, also behind symlinks that lead
/// nowhere. Where it fails, the container does not start.
fn follow(
    target: &str,
    kind: Kind,
    look: &dyn Fn(&Path) -> Option<Node>,
    made: &mut BTreeMap<PathBuf, Kind>,
) {
    let mut todo: VecDeque<OsString> = names(Path::new(target)).collect();
    let mut here = PathBuf::new();
    let mut links = 0;
    while let Some(name) = todo.pop_front() {
        if name == ".." {
            here.pop();
            continue;
        }
        let path = here.join(&name);
        match look(&path) {
            Some(Node::Symlink(to)) => {
                links += 1;
                if links > LINKS {
                    return;
                }
                if to.is_absolute() {
                    here.clear();
                }
                for name in names(&to).collect::<Vec<_>>().into_iter().rev() {
                    todo.push_front(name);
                }
            }
            Some(_) => here = path,
            None => {
                let last = todo.is_empty();
                let kind = if last { kind } else { Kind::Directory };
                made.entry(path.clone()).or_insert(kind);
                here = path;
            }
        }
    }
}

fn names(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths made for `targets` in a tree of directories, files (`name=`) and links (`a>b`).
    fn made(tree: &[&str], targets: &[(&str, Kind)]) -> Vec<String> {
        let look = |path: &Path| {
            let path = path.to_str().unwrap();
            tree.iter().find_map(|entry| match entry.split_once('>') {
                Some((name, to)) => (name == path).then(|| Node::Symlink(to.into())),
                None => match entry.strip_suffix('=') {
                    Some(name) => (name == path).then_some(Node::Other),
                    None => (*entry == path).then_some(Node::Directory),
                },
            })
        };
        let targets: Vec<_> = targets
            .iter()
            .map(|(target, kind)| ((*target).to_owned(), *kind))
            .collect();
        missing(&targets, &look)
            .into_iter()
            .map(|(path, kind)| match kind {
                Kind::Directory => format!("{}/", path.display()),
                Kind::File => path.display().to_string(),
            })
            .collect()
    }

    #[test]
    fn what_the_image_has_is_not_made() {
        let tree = ["etc", "etc/hosts=", "proc"];
        let targets = [
            ("/etc/hosts", Kind::File),
            ("/etc/resolv.conf", Kind::File),
            ("/proc", Kind::Directory),
            ("/sys", Kind::Directory),
        ];
        assert_eq!(made(&tree, &targets), ["etc/resolv.conf", "sys/"]);
    }

    #[test]
    fn the_way_to_a_mount_point_is_made_too() {
        let targets = [
            ("/run/secrets/a", Kind::File),
            ("/run/secrets/b", Kind::File),
        ];
        let all = ["run/", "run/secrets/", "run/secrets/a", "run/secrets/b"];
        assert_eq!(made(&[], &targets), all);
        assert_eq!(made(&["run"], &targets), all[1..]);
    }

    #[test]
    fn symlinks_are_followed_also_those_that_lead_nowhere() {
        let tree = [
            "run",
            "var",
            "var/run>/run",
            "etc",
            "etc/resolv.conf>../run/a/b",
        ];
        assert_eq!(made(&tree, &[("/var/run/x", Kind::Directory)]), ["run/x/"]);
        assert_eq!(
            made(&tree, &[("/etc/resolv.conf", Kind::File)]),
            ["run/a/", "run/a/b"]
        );
        assert_eq!(
            made(&["a>/../../b"], &[("/a/c", Kind::Directory)]),
            ["b/", "b/c/"]
        );
    }

    #[test]
    fn a_loop_of_symlinks_makes_nothing() {
        assert!(made(&["a>b", "b>a"], &[("/a", Kind::Directory)]).is_empty());
    }

    #[test]
    fn the_top_is_always_there() {
        assert!(made(&[], &[("/", Kind::Directory), ("/..", Kind::Directory)]).is_empty());
    }
}
