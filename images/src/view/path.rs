//! Paths as lists of plain names. Pure.

/// The names that a path is made of, as seen from a root: `.` and empty ones vanish, `..` takes the
/// last one away, and above the root there is nothing.
pub(crate) fn clean(path: &[u8]) -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = Vec::new();
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => {
                names.pop();
            }
            _ => names.push(name.to_vec()),
        }
    }
    names
}

/// The names with slashes between them; nothing for the root itself.
pub(crate) fn joined(names: &[Vec<u8>]) -> Vec<u8> {
    names.join(&b'/')
}

/// A path inside a root as messages show it, with a slash in front.
pub(crate) fn shown(path: &[u8]) -> String {
    format!("/{}", crate::tar::shown(&joined(&clean(path))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(path: &str) -> String {
        String::from_utf8(joined(&clean(path.as_bytes()))).unwrap()
    }

    #[test]
    fn no_path_leads_above_the_root() {
        assert_eq!(cleaned("../x"), "x");
        assert_eq!(cleaned("/a/../../../b/./c//"), "b/c");
        assert_eq!(cleaned("a/.."), "");
        assert_eq!(cleaned("/"), "");
        assert_eq!(cleaned("..."), "...");
        assert_eq!(shown(b"../x/"), "/x");
    }
}
