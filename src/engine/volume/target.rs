//! Where something can be mounted in a container.

/// path.Clean of an absolute path; one that does not start with `/` is taken to.
pub fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Whether a path below a volume stays below it, by its text alone (Go's filepath.IsLocal).
pub fn is_local(path: &str) -> bool {
    let mut depth = 0_usize;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return false,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    !path.is_empty() && !path.starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::{clean, is_local};

    #[test]
    fn paths_are_cleaned_as_go_cleans_them() {
        for (path, text) in [
            ("/a//b/./c/", "/a/b/c"),
            ("/../x", "/x"),
            ("data", "/data"),
            ("/", "/"),
        ] {
            assert_eq!(clean(path), text);
        }
    }

    #[test]
    fn a_path_below_a_volume_does_not_lead_out() {
        for fine in ["a", "a/b", "a/../b", "./a", "a/.."] {
            assert!(is_local(fine), "{fine}");
        }
        for bad in ["", "/a", "..", "a/../..", "../a"] {
            assert!(!is_local(bad), "{bad}");
        }
    }
}
