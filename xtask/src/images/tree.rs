//! A root filesystem in memory: sorted paths, so that the same input gives the same archive.

use std::collections::BTreeMap;

/// What a path is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A directory.
    Dir,
    /// A regular file and its content.
    File(Vec<u8>),
    /// A symbolic link and its target.
    Link(String),
}

/// One path's node with its owner and permissions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub node: Node,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// Owner's user id.
    pub uid: u32,
    /// Owner's group id.
    pub gid: u32,
}

/// Paths without a leading slash, each with its entry; a parent sorts before its children.
#[derive(Clone, Default)]
pub struct Tree(BTreeMap<String, Entry>);

impl Tree {
    /// Puts a directory, or changes the permissions of one that is there.
    pub fn dir(&mut self, path: &str, mode: u32) {
        self.put(
            path,
            Entry {
                node: Node::Dir,
                mode,
                uid: 0,
                gid: 0,
            },
        );
    }

    /// Puts a regular file of root's, replacing what was there.
    pub fn file(&mut self, path: &str, mode: u32, content: impl Into<Vec<u8>>) {
        self.put(
            path,
            Entry {
                node: Node::File(content.into()),
                mode,
                uid: 0,
                gid: 0,
            },
        );
    }

    /// Puts a symbolic link, replacing what was there.
    pub fn link(&mut self, path: &str, target: &str) {
        let node = Node::Link(target.to_owned());
        self.put(
            path,
            Entry {
                node,
                mode: 0o777,
                uid: 0,
                gid: 0,
            },
        );
    }

    /// Puts an entry, and directories of mode 0755 above it where there are none yet.
    pub fn put(&mut self, path: &str, entry: Entry) {
        let mut above = path;
        while let Some((parent, _)) = above.rsplit_once('/') {
            let dir = || Entry {
                node: Node::Dir,
                mode: 0o755,
                uid: 0,
                gid: 0,
            };
            self.0.entry(parent.to_owned()).or_insert_with(dir);
            above = parent;
        }
        self.0.insert(path.to_owned(), entry);
    }

    /// The entry at a path; links are not followed.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.0.get(path)
    }

    /// All entries in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_are_made_and_keep_their_permissions() {
        let mut tree = Tree::default();
        tree.dir("root", 0o700);
        tree.file("root/a/b", 0o644, "x");
        let modes: Vec<_> = tree
            .iter()
            .map(|(path, entry)| (path, entry.mode))
            .collect();
        assert_eq!(
            modes,
            [("root", 0o700), ("root/a", 0o755), ("root/a/b", 0o644)]
        );
    }
}
