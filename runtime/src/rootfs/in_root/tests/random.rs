//! Random trees of symlinks against the kernel's own resolution.

use std::os::fd::AsFd;

use super::*;

/// The same numbers every time (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn one_of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    /// A path of up to six parts, which likes to climb.
    fn path(&mut self, outside: &str) -> String {
        let parts: Vec<_> = (0..=self.below(6))
            .map(|_| self.one_of(&["a", "b", "c", "d", "..", "..", ".", ""]))
            .collect();
        let path = parts.join("/");
        match self.below(8) {
            0 => format!("{outside}/{path}"),
            1 => format!("../../../../../../..{outside}/{path}"),
            2 => format!("/proc/self/fd/{}", self.below(12)),
            3 | 4 => format!("/{path}"),
            _ if path.is_empty() => ".".to_owned(),
            _ => path,
        }
    }
}

/// Fills `directory` with directories, files and symlinks, three levels deep.
fn fill(random: &mut Random, directory: &Path, outside: &str, depth: usize) {
    for name in ["a", "b", "c", "d"] {
        let place = directory.join(name);
        match random.below(6) {
            0 | 1 if depth < 3 => {
                fs::create_dir(&place).unwrap();
                fill(random, &place, outside, depth + 1);
            }
            2 => fs::write(&place, "inside").unwrap(),
            3 | 4 => symlink(random.path(outside), &place).unwrap(),
            _ => {}
        }
    }
}

fn identity(file: impl AsFd) -> (u64, u64) {
    let stat = fstat(file).unwrap();
    (stat.st_dev, stat.st_ino)
}

/// What the kernel says that the path is, inside the root.
fn truth(tree: &Tree, path: &str) -> Result<(u64, u64), Errno> {
    lookup(
        tree.root.as_fd(),
        Path::new(path),
        OFlags::PATH,
        ResolveFlags::IN_ROOT,
    )
    .map(identity)
}

/// The path below the root that the kernel knows an open file by.
fn place(tree: &Tree, file: &OwnedFd) -> PathBuf {
    let shown = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap();
    let root = tree.inside("").canonicalize().unwrap();
    let inside = shown.strip_prefix(&root);
    inside
        .unwrap_or_else(|_| panic!("{shown:?} is outside of {root:?}"))
        .to_owned()
}

#[test]
fn random_trees_never_lead_outside_and_agree_with_the_kernel() {
    let (mut made, mut refused) = (0, 0);
    for seed in 1..=150_u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let tree = Tree::new();
        let outside = tree.outer.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("a"), "outside").unwrap();
        let shown = outside.to_str().unwrap();
        fill(&mut random, &tree.inside(""), shown, 0);
        for _ in 0..25 {
            let path = random.path(shown);
            let before = truth(&tree, &path);
            let root = tree.root.as_fd();
            let result = match random.below(3) {
                0 => mkdir_all(root, &path, 0o755),
                1 => create_file(root, &path, 0o644),
                _ => locate(root, &path),
            };
            match result {
                Ok(file) => {
                    made += 1;
                    place(&tree, &file);
                    let after = truth(&tree, &path);
                    // A path, or a link on the way, that ends with a slash may
                    // have made a file all the same.
                    let agreed = after == Ok(identity(&file)) || after == Err(Errno::NOTDIR);
                    assert!(agreed, "{seed}: {path}: {after:?}");
                    assert!(before.is_err() || before == after, "{seed}: {path}");
                }
                Err(error) => {
                    refused += 1;
                    let text = format!("{seed}: {path}: {error}");
                    // What is there is refused only to who wants a directory.
                    let other_kind = error.raw_os_error() == Some(libc::ENOTDIR);
                    assert!(before.is_err() || other_kind, "{text}");
                }
            }
            let content = read(root, &path, 100);
            assert!(
                content.is_err() || content.unwrap() != b"outside",
                "{seed}: {path}"
            );
        }
        let left: Vec<_> = fs::read_dir(&outside).unwrap().collect();
        assert_eq!(left.len(), 1, "{seed}: {left:?}");
        assert_eq!(
            fs::read_dir(tree.outer.path()).unwrap().count(),
            2,
            "{seed}"
        );
    }
    assert!(
        made > 800 && refused > 200,
        "{made} made, {refused} refused"
    );
}
