//! The last word of a `COPY`. Pure.

use crate::view::clean;

/// A path in the image, and whether it was written as a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    pub(super) names: Vec<Vec<u8>>,
    pub(super) is_directory: bool,
}

impl Destination {
    /// `path` as it is written, variables replaced; relative ones begin at `workdir`. Nothing leads
    /// above the image's root.
    pub fn new(workdir: &str, path: &str) -> Destination {
        let whole = match path.starts_with('/') {
            true => path.to_owned(),
            false => format!("{workdir}/{path}"),
        };
        let names = clean(whole.as_bytes());
        let last = path.rsplit('/').next().unwrap_or_default();
        Destination {
            is_directory: matches!(last, "" | "." | "..") || names.is_empty(),
            names,
        }
    }

    /// Whether it ends in `/`, or must be a directory for another reason.
    pub fn is_directory(&self) -> bool {
        self.is_directory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(workdir: &str, path: &str) -> (String, bool) {
        let destination = Destination::new(workdir, path);
        let names: Vec<_> = destination
            .names
            .iter()
            .map(|name| String::from_utf8(name.clone()).unwrap())
            .collect();
        (names.join("/"), destination.is_directory)
    }

    #[test]
    fn relative_to_the_working_directory_and_inside_the_image() {
        assert_eq!(at("/app", "x"), ("app/x".into(), false));
        assert_eq!(at("/app", "."), ("app".into(), true));
        assert_eq!(at("/app", "./"), ("app".into(), true));
        assert_eq!(at("/app", "/x/"), ("x".into(), true));
        assert_eq!(at("/app", "../../.."), (String::new(), true));
        assert_eq!(at("/", "/../etc/passwd"), ("etc/passwd".into(), false));
        assert_eq!(at("/a", "b/."), ("a/b".into(), true));
    }
}
