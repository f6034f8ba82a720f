//! Images on command lines: names, platforms, changes of a config.

use rbox_images::{Change, Platform, Reference};

use super::Invalid;

fn invalid(error: impl std::fmt::Display) -> Invalid {
    Invalid::new(error.to_string())
}

/// A name that may be left out, or empty, which is the same.
pub fn optional_name(text: Option<&str>) -> Result<Option<Reference>, Invalid> {
    text.filter(|text| !text.is_empty())
        .map(str::parse)
        .transpose()
        .map_err(invalid)
}

/// `--platform`, which may be left out, or empty, which is the same.
pub fn platform(text: Option<&str>) -> Result<Option<Platform>, Invalid> {
    text.filter(|text| !text.is_empty())
        .map(str::parse)
        .transpose()
        .map_err(invalid)
}

/// `--change`, several times.
pub fn changes(texts: &[String]) -> Result<Vec<Change>, Invalid> {
    texts
        .iter()
        .map(|text| text.parse().map_err(invalid))
        .collect()
}

/// The name that `pull` and `push` are for: with `--all-tags` a whole repository.
pub fn to_transfer(text: &str, all_tags: bool) -> Result<(Reference, bool), Invalid> {
    let name = Reference::parse_bare(text).map_err(invalid)?;
    let is_bare = name.tag().is_none() && name.digest().is_none();
    match (all_tags, is_bare) {
        (true, false) => Err(Invalid::new("tag can't be used with --all-tags/-a")),
        (true, true) => Ok((name, false)),
        (false, _) => Ok((name.with_default_tag(), is_bare)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_none_and_what_is_wrong_an_error() {
        assert_eq!(optional_name(Some("")), Ok(None));
        assert_eq!(optional_name(None), Ok(None));
        assert!(optional_name(Some("a")).unwrap().is_some());
        assert!(optional_name(Some("A")).is_err());
        assert_eq!(platform(Some("")), Ok(None));
        assert!(platform(Some("a/b/c/d")).is_err());
        assert!(changes(&["CMD a".into(), "BOGUS".into()]).is_err());
    }

    #[test]
    fn a_tag_is_filled_in_unless_all_are_meant() {
        let (name, filled_in) = to_transfer("alpine", false).unwrap();
        assert_eq!((name.tag(), filled_in), (Some("latest"), true));
        let (name, filled_in) = to_transfer("alpine:3", false).unwrap();
        assert_eq!((name.tag(), filled_in), (Some("3"), false));
        let (name, filled_in) = to_transfer("alpine", true).unwrap();
        assert_eq!((name.tag(), filled_in), (None, false));
        assert!(to_transfer("alpine:3", true).is_err());
    }
}
