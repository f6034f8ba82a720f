//! What the name of a tar member means in a layer.

/// A name inside the layer: components that are never empty, `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EntryName {
    components: Vec<Vec<u8>>,
}

/// What a member stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// The layer's own directory.
    Root,
    /// A file of any kind.
    File(EntryName),
    /// Lower layers' file of this name is gone.
    Whiteout(EntryName),
    /// Nothing of lower layers shows in this directory.
    Opaque(EntryName),
    /// Aufs' own book-keeping, which old images contain.
    Ignored,
}

/// Why a name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    /// Starts with `/`.
    #[error("its name is absolute")]
    Absolute,
    /// Has a component `..`.
    #[error("its name contains \"..\"")]
    Parent,
    /// Nothing at all, or a NUL byte.
    #[error("its name is empty or contains a NUL byte")]
    Empty,
    /// More than a path or file name may have.
    #[error("its name is too long")]
    TooLong,
    /// A whiteout of nothing, of `.` or of `..`, or a whiteout used as a directory.
    #[error("its whiteout names no file")]
    Whiteout,
    /// A whiteout in an archive that is no layer.
    #[error("its name means a deleted file in a layer")]
    Deletion,
    /// Something other than a directory in the place of the whole layer.
    #[error("it would replace the layer's own directory")]
    Root,
    /// A link among its parents leads out of the layer.
    #[error("its name leads out of the layer through a symbolic link")]
    Escape,
    /// A link among its parents leads to something that is not there.
    #[error("its name goes through a symbolic link that leads nowhere in this layer")]
    Dangling,
    /// Links among its parents lead in a circle.
    #[error("its name goes through too many symbolic links")]
    Loop,
    /// A file is in the place of one of its parents.
    #[error("one of its parents is not a directory")]
    NotDirectory,
    /// The target of a hard link is absolute, has `..`, or is empty.
    #[error("its hard link leads out of the layer")]
    LinkOutside,
    /// The target of a hard link is not in this layer.
    #[error("the target of its hard link is not in this layer")]
    LinkMissing,
    /// A hard link to a directory.
    #[error("its hard link leads to a directory")]
    LinkDirectory,
    /// The target of a symbolic link is empty or longer than a path.
    #[error("its symbolic link has an impossible target")]
    LinkTarget,
}

const LONGEST_NAME: usize = 4095;
const LONGEST_COMPONENT: usize = 255;
const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
const AUFS: [&[u8]; 3] = [b".wh..wh.aufs", b".wh..wh.plnk", b".wh..wh.orph"];

impl Entry {
    /// The same where nothing is a layer: a name means itself.
    pub(super) fn literal(name: &[u8]) -> Result<Entry, NameProblem> {
        let parsed = EntryName::parse(name)?;
        match parsed.components.is_empty() {
            true => Ok(Entry::Root),
            false => Ok(Entry::File(parsed)),
        }
    }

    pub(super) fn parse(name: &[u8]) -> Result<Entry, NameProblem> {
        let mut parsed = EntryName::parse(name)?;
        if parsed
            .components
            .iter()
            .any(|c| AUFS.contains(&c.as_slice()))
        {
            return Ok(Entry::Ignored);
        }
        let Some((last, parents)) = parsed.components.split_last() else {
            return Ok(Entry::Root);
        };
        if parents.iter().any(|parent| parent.starts_with(WHITEOUT)) {
            return Err(NameProblem::Whiteout);
        }
        let Some(hidden) = last.strip_prefix(WHITEOUT) else {
            return Ok(Entry::File(parsed));
        };
        let hidden = hidden.to_vec();
        if last == OPAQUE {
            parsed.components.pop();
            return Ok(Entry::Opaque(parsed));
        }
        // `.wh...` would hide "..": stripping the prefix may make a name that means something.
        if matches!(hidden.as_slice(), b"" | b"." | b"..") || hidden.starts_with(WHITEOUT) {
            return Err(NameProblem::Whiteout);
        }
        parsed.components.pop();
        parsed.components.push(hidden);
        Ok(Entry::Whiteout(parsed))
    }
}

impl EntryName {
    /// Splits a name; `.` components and doubled slashes vanish.
    pub(super) fn parse(name: &[u8]) -> Result<EntryName, NameProblem> {
        if name.is_empty() || name.contains(&0) {
            return Err(NameProblem::Empty);
        }
        if name.starts_with(b"/") {
            return Err(NameProblem::Absolute);
        }
        if name.len() > LONGEST_NAME {
            return Err(NameProblem::TooLong);
        }
        let mut components = Vec::new();
        for component in name.split(|b| *b == b'/') {
            match component {
                b"" | b"." => {}
                b".." => return Err(NameProblem::Parent),
                _ if component.len() > LONGEST_COMPONENT => return Err(NameProblem::TooLong),
                _ => components.push(component.to_vec()),
            }
        }
        Ok(EntryName { components })
    }

    /// The layer's own directory.
    pub(super) fn root() -> EntryName {
        EntryName {
            components: Vec::new(),
        }
    }

    pub(super) fn components(&self) -> &[Vec<u8>] {
        &self.components
    }

    /// Parents and last component; `None` for the root.
    pub(super) fn split_last(&self) -> Option<(&[Vec<u8>], &[u8])> {
        let (last, parents) = self.components.split_last()?;
        Some((parents, last))
    }

    /// The name as it is shown and stored, without a slash at either end.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.components.join(&b'/')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> Entry {
        Entry::File(EntryName::parse(name.as_bytes()).unwrap())
    }

    fn parse(name: &str) -> Result<Entry, NameProblem> {
        Entry::parse(name.as_bytes())
    }

    #[test]
    fn harmless_spellings_mean_the_same_file() {
        for name in ["a/b", "./a/b", "a//b", "a/./b", "a/b/"] {
            assert_eq!(parse(name).unwrap(), file("a/b"), "{name}");
        }
        for name in ["./", ".", "././"] {
            assert_eq!(parse(name).unwrap(), Entry::Root);
        }
    }

    #[test]
    fn names_that_lead_out_are_refused() {
        assert_eq!(parse("/etc/passwd"), Err(NameProblem::Absolute));
        for name in ["..", "../a", "a/../b", "a/..", "./../a"] {
            assert_eq!(parse(name), Err(NameProblem::Parent), "{name}");
        }
        assert_eq!(parse(""), Err(NameProblem::Empty));
        assert_eq!(parse("a\0b"), Err(NameProblem::Empty));
        assert_eq!(parse(&"a/".repeat(3000)), Err(NameProblem::TooLong));
        assert_eq!(parse(&"a".repeat(256)), Err(NameProblem::TooLong));
    }

    #[test]
    fn whiteouts_hide_one_plain_name() {
        let hidden = |name: &str| Entry::Whiteout(EntryName::parse(name.as_bytes()).unwrap());
        assert_eq!(parse("a/.wh.b").unwrap(), hidden("a/b"));
        assert_eq!(parse(".wh....").unwrap(), hidden("..."));
        assert_eq!(
            parse("a/.wh..wh..opq").unwrap(),
            Entry::Opaque(EntryName::parse(b"a").unwrap())
        );
        assert_eq!(
            parse(".wh..wh..opq").unwrap(),
            Entry::Opaque(EntryName::root())
        );
        for name in [
            ".wh.",
            ".wh..",
            ".wh...",
            "a/.wh...",
            ".wh..wh.x",
            ".wh.a/b",
        ] {
            assert_eq!(parse(name), Err(NameProblem::Whiteout), "{name}");
        }
        assert_eq!(parse(".wh..wh.plnk/3.4").unwrap(), Entry::Ignored);
    }
}
