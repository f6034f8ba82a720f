//! Paths of a Compose file: relative to a directory of the file's, made absolute as they are read.

use std::path::{Component, Path, PathBuf};

/// The path from a directory, `.` and `..` taken out by the words alone; `~` is the home directory.
pub fn absolute(directory: &Path, text: &str) -> PathBuf {
    let home = || std::env::var_os("HOME").map(PathBuf::from);
    let path = match text.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => match home() {
            Some(home) => home.join(rest.trim_start_matches('/')),
            None => PathBuf::from(text),
        },
        _ => directory.join(text),
    };
    clean(&path)
}

/// Takes `.`, `..` and repeated slashes out of an absolute path.
pub fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// As errors name it: from the current directory where it lies below.
pub fn shown(path: &Path, current: &Path) -> String {
    path.strip_prefix(current)
        .unwrap_or(path)
        .display()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_by_words() {
        for (text, expected) in [
            (".", "/a/b"),
            ("./c//d/", "/a/b/c/d"),
            ("../c", "/a/c"),
            ("../../../../x", "/x"),
            ("/x/./y/..", "/x"),
            ("~x", "/a/b/~x"),
        ] {
            assert_eq!(absolute(Path::new("/a/b"), text), Path::new(expected));
        }
        assert_eq!(shown(Path::new("/a/b/c.yaml"), Path::new("/a")), "b/c.yaml");
        assert_eq!(shown(Path::new("/x/c.yaml"), Path::new("/a")), "/x/c.yaml");
    }
}
