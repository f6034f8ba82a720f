//! The flags between an instruction's keyword and its arguments: `--from=x`, `--link`.

use super::error::Problem;
use super::{suggest, words};

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Text,
    /// May be given several times.
    Texts,
    /// `true`, `false`, or nothing, which is `true`.
    Boolean,
}

/// Flags as they were given: names and values.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Flags(Vec<(String, Option<String>)>);

impl Flags {
    /// Takes the flags off the front. Quotes and escapes in them are resolved, as the flags are not
    /// expanded as words later.
    pub(super) fn split(rest: &str, escape: char) -> (Flags, &str) {
        let mut flags = Vec::new();
        let mut rest = rest.trim();
        while rest.starts_with("--") {
            let (word, after) = words::unquoted(rest, escape);
            rest = after.trim_start();
            let name = match word.strip_prefix("--") {
                // A bare `--` ends the flags.
                Some("") | None => break,
                Some(name) => name,
            };
            flags.push(match name.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (name.to_owned(), None),
            });
        }
        (Flags(flags), rest)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks them against those that the instruction has.
    pub(super) fn check(self, known: &[(&'static str, Takes)]) -> Result<Checked, Problem> {
        let mut checked: Vec<(&'static str, String)> = Vec::new();
        for (name, value) in self.0 {
            let Some((known_name, takes)) = known.iter().find(|(known, _)| *known == name) else {
                let names: Vec<&str> = known.iter().map(|(known, _)| *known).collect();
                let nearest = suggest::nearest(&name, &names).map(|name| format!("--{name}"));
                return Err(Problem::UnknownFlag { name, nearest });
            };
            if *takes != Takes::Texts && checked.iter().any(|(seen, _)| seen == known_name) {
                return Err(Problem::DuplicateFlag(name));
            }
            let value = match (takes, value) {
                (Takes::Boolean, None) => "true".to_owned(),
                (Takes::Boolean, Some(value)) => match value.to_ascii_lowercase().as_str() {
                    "true" => "true".to_owned(),
                    "false" => "false".to_owned(),
                    "" => return Err(Problem::FlagValue(name)),
                    _ => return Err(Problem::FlagBoolean(name, value)),
                },
                (Takes::Text | Takes::Texts, Some(value)) => value,
                (Takes::Text | Takes::Texts, None) => return Err(Problem::FlagValue(name)),
            };
            checked.push((known_name, value));
        }
        Ok(Checked(checked))
    }
}

/// Flags that the instruction has.
#[derive(Debug)]
pub(super) struct Checked(Vec<(&'static str, String)>);

impl Checked {
    /// An empty value is as none, as in BuildKit.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.texts(name).pop().filter(|text| !text.is_empty())
    }

    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let same = self.0.iter().filter(|(known, _)| *known == name);
        same.map(|(_, value)| value.clone()).collect()
    }

    pub(super) fn boolean(&self, name: &str) -> Option<bool> {
        self.text(name).map(|value| value == "true")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[(&str, Takes)] = &[
        ("from", Takes::Text),
        ("link", Takes::Boolean),
        ("exclude", Takes::Texts),
    ];

    fn check(rest: &str) -> Result<Checked, Problem> {
        Flags::split(rest, '\\').0.check(KNOWN)
    }

    #[test]
    fn flags_end_where_the_arguments_begin() {
        let (flags, rest) = Flags::split("--from=a  --link b --c d", '\\');
        let flags = flags.check(KNOWN).unwrap();
        assert_eq!(
            (flags.text("from"), flags.boolean("link")),
            (Some("a".into()), Some(true))
        );
        assert_eq!(rest, "b --c d");
        assert_eq!(Flags::split("a --b", '\\'), (Flags::default(), "a --b"));
        assert_eq!(Flags::split("-- --b", '\\'), (Flags::default(), "--b"));
        assert_eq!(Flags::split("", '\\'), (Flags::default(), ""));
    }

    #[test]
    fn quotes_in_flags_are_resolved() {
        let flags = check(r#"--from="a b" --exclude=a\ b --exclude='c\"d' x"#).unwrap();
        assert_eq!(flags.text("from").unwrap(), "a b");
        assert_eq!(flags.texts("exclude"), ["a b", "c\"d"]);
        assert!(!check("--link=false").unwrap().boolean("link").unwrap());
        assert_eq!(check("--from=").unwrap().text("from"), None);
    }

    #[test]
    fn wrong_flags_are_named() {
        for (rest, error) in [
            ("--form=a", "unknown flag: --form (did you mean --from?)"),
            ("--nothing", "unknown flag: --nothing"),
            ("--from=a --from=b", "duplicate flag specified: --from"),
            ("--from a", "missing a value on flag: --from"),
            ("--exclude", "missing a value on flag: --exclude"),
            ("--link=", "missing a value on flag: --link"),
            (
                "--link=yes",
                "expecting boolean value for flag --link, not: yes",
            ),
        ] {
            assert_eq!(check(rest).unwrap_err().to_string(), error);
        }
    }
}
