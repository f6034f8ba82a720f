//! `--filter name=value`: several values of one name are alternatives.

use std::collections::BTreeMap;

use super::{Invalid, number};

/// All filters of one command line.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Filters {
    values: BTreeMap<String, Vec<String>>,
}

/// Reads one filter; an empty text is none.
pub fn filter(text: &str) -> Result<(String, String), Invalid> {
    if text.is_empty() {
        return Ok((String::new(), String::new()));
    }
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| Invalid::new("bad format of filter (expected name=value)"))?;
    Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

impl Filters {
    /// Collects filters, refusing names that the command does not have.
    pub fn new(filters: &[(String, String)], allowed: &[&str]) -> Result<Filters, Invalid> {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in filters.iter().filter(|(name, _)| !name.is_empty()) {
            if !allowed.contains(&name.as_str()) {
                return Err(Invalid(format!("Invalid filter '{name}'")));
            }
            values.entry(name.clone()).or_default().push(value.clone());
        }
        Ok(Filters { values })
    }

    /// The values given for a name.
    pub fn get(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether the name was not given, or one of its values passes.
    pub fn any(&self, name: &str, passes: impl FnMut(&String) -> bool) -> bool {
        let values = self.get(name);
        values.is_empty() || values.iter().any(passes)
    }

    /// Whether every value given for the name passes.
    pub fn all(&self, name: &str, passes: impl FnMut(&String) -> bool) -> bool {
        self.get(name).iter().all(passes)
    }

    /// A filter that is true or false; `None` when not given.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Invalid> {
        let Some(value) = self.get(name).last() else {
            return Ok(None);
        };
        match number::boolean(value) {
            Ok(flag) => Ok(Some(flag)),
            Err(_) => Err(self.refuse(name, value)),
        }
    }

    /// Docker's text for a value that a filter cannot have.
    pub fn refuse(&self, name: &str, value: &str) -> Invalid {
        Invalid(format!("Invalid filter '{name}={value}'"))
    }

    /// `label` and `label!`, each `key` or `key=value`; all must hold.
    pub fn labels(&self, labels: &BTreeMap<String, String>) -> bool {
        let has = |wanted: &String| match wanted.split_once('=') {
            Some((key, value)) => labels.get(key).is_some_and(|label| label == value),
            None => labels.contains_key(wanted),
        };
        self.all("label", has) && !self.get("label!").iter().any(has)
    }

    /// Whether an id starts with one of the values.
    pub fn id(&self, id: &str) -> bool {
        self.any("id", |wanted| {
            id.starts_with(wanted.as_str())
                || id
                    .strip_prefix("sha256:")
                    .is_some_and(|hex| hex.starts_with(wanted.as_str()))
        })
    }

    /// Whether a name contains one of the values; `^` and `$` tie it to the ends.
    pub fn name(&self, name: &str) -> bool {
        self.any("name", |wanted| matches_name(wanted, name))
    }
}

/// The part of regular expressions that people use on names: `^`, `$`, `.*`, `.`,
/// a leading `/` as Docker's internal names have it.
fn matches_name(pattern: &str, name: &str) -> bool {
    let (start, pattern) = match pattern.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let (start, pattern) = match pattern.strip_prefix('/') {
        Some(rest) => (true, rest),
        None => (start, pattern),
    };
    let (end, pattern) = match pattern.strip_suffix('$') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    (0..=name.len()).any(|from| (!start || from == 0) && matches_here(&pattern, &name[from..], end))
}

fn matches_here(pattern: &[char], name: &[char], end: bool) -> bool {
    match pattern {
        [] => !end || name.is_empty(),
        ['.', '*', rest @ ..] => {
            (0..=name.len()).any(|skip| matches_here(rest, &name[skip..], end))
        }
        ['\\', literal, rest @ ..] => {
            name.first() == Some(literal) && matches_here(rest, &name[1..], end)
        }
        [c, rest @ ..] => {
            name.first().is_some_and(|first| *c == '.' || first == c)
                && matches_here(rest, &name[1..], end)
        }
    }
}

/// path.Match: `*` and `?` stop at slashes.
pub fn glob(pattern: &str, text: &str) -> bool {
    fn here(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', rest @ ..] => {
                let reach = text.iter().position(|&c| c == '/').unwrap_or(text.len());
                (0..=reach).any(|skip| here(rest, &text[skip..]))
            }
            ['?', rest @ ..] => text.first().is_some_and(|&c| c != '/') && here(rest, &text[1..]),
            ['[', rest @ ..] => {
                let Some(close) = rest.iter().position(|&c| c == ']') else {
                    return false;
                };
                let (negated, set) = match &rest[..close] {
                    ['^', set @ ..] => (true, set),
                    set => (false, set),
                };
                let Some(&c) = text.first() else { return false };
                let inside = set.contains(&c)
                    || set
                        .windows(3)
                        .any(|w| w[1] == '-' && (w[0]..=w[2]).contains(&c));
                inside != negated && here(&rest[close + 1..], &text[1..])
            }
            ['\\', literal, rest @ ..] => text.first() == Some(literal) && here(rest, &text[1..]),
            [c, rest @ ..] => text.first() == Some(c) && here(rest, &text[1..]),
        }
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    here(&pattern, &text)
}

#[cfg(test)]
mod tests {
    use super::{Filters, filter, glob};

    fn filters(texts: &[&str]) -> Filters {
        let pairs: Vec<_> = texts.iter().map(|text| filter(text).unwrap()).collect();
        Filters::new(&pairs, &["name", "id", "label", "label!", "dangling"]).unwrap()
    }

    #[test]
    fn unknown_filters_are_named() {
        assert_eq!(
            Filters::new(&[("bogus".into(), "1".into())], &["name"])
                .unwrap_err()
                .0,
            "Invalid filter 'bogus'"
        );
        assert_eq!(
            filter("x").unwrap_err().0,
            "bad format of filter (expected name=value)"
        );
        assert_eq!(
            filters(&["dangling=maybe"]).flag("dangling").unwrap_err().0,
            "Invalid filter 'dangling=maybe'"
        );
    }

    #[test]
    fn names_match_anywhere_unless_tied() {
        for (pattern, name, expected) in [
            ("h4", "xh4a", true),
            ("^h4a$", "h4a", true),
            ("^h4a$", "h4ab", false),
            ("/h4a", "h4a", true),
            ("^/h4a$", "xh4a", false),
            ("h.*b", "h4ab", true),
        ] {
            assert_eq!(
                filters(&[&format!("name={pattern}")]).name(name),
                expected,
                "{pattern}"
            );
        }
        assert!(filters(&["name=a", "name=b"]).name("b"));
        assert!(filters(&[]).name("b"));
    }

    #[test]
    fn labels_match_by_key_or_by_value() {
        let labels = [("app".to_owned(), "web".to_owned())].into();
        for (filter, expected) in [
            ("label=app", true),
            ("label=app=web", true),
            ("label=app=x", false),
            ("label!=app", false),
            ("label!=other", true),
        ] {
            assert_eq!(filters(&[filter]).labels(&labels), expected, "{filter}");
        }
    }

    #[test]
    fn globs_stop_at_slashes() {
        assert!(glob("h4*", "h4img"));
        assert!(!glob("*", "a/b"));
        assert!(glob("*/*:[a-c]?", "a/b:b1"));
        assert!(!glob("[^a]", "a"));
    }
}
