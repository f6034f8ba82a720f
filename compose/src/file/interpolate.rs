//! Variables in texts: `$A`, `${A}`, `${A:-default}`, `${A-default}`, `${A:?error}`, `${A?error}`,
//! `${A:+other}`, `${A+other}`, nested as one likes; `$$` is a dollar (Compose Specification,
//! "Interpolation").

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use super::error::LoadError;
use super::node::{Node, Value};
use super::scalar::Kind;

/// Bytes that variables may make of all texts of a project together.
const MOST_BYTES: usize = 16 << 20;

/// Defaults inside defaults.
const DEEPEST: usize = 32;

/// Why a text cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// `$` that begins nothing.
    Format,
    /// `${A?why}` and there is none: the variable and why.
    Missing(String, String),
    /// More than a project may be.
    TooLarge,
}

/// What the expansions of a project share: how much they made, and which variables lacked.
#[derive(Debug, Default)]
pub struct Expansions {
    bytes: Cell<usize>,
    unset: RefCell<BTreeSet<String>>,
}

impl Expansions {
    /// The variables that were asked for and are not set, each once.
    pub fn unset(&self) -> impl Iterator<Item = String> {
        self.unset.take().into_iter()
    }

    /// Takes from what a project may become; `false` when it is used up.
    pub fn charge(&self, bytes: usize) -> bool {
        self.bytes.set(self.bytes.get().saturating_add(bytes));
        self.bytes.get() <= MOST_BYTES
    }

    fn count(&self, bytes: usize) -> Result<(), Problem> {
        match self.charge(bytes) {
            true => Ok(()),
            false => Err(Problem::TooLarge),
        }
    }

    /// Fills variables into a text.
    pub fn text(
        &self,
        text: &str,
        variables: &BTreeMap<String, String>,
    ) -> Result<String, Problem> {
        let lookup = |name: &str| variables.get(name).map(String::as_str);
        self.text_with(text, &lookup)
    }

    /// The same with variables from anywhere.
    pub fn text_with<'a>(
        &self,
        text: &str,
        lookup: &dyn Fn(&str) -> Option<&'a str>,
    ) -> Result<String, Problem> {
        let mut out = String::new();
        let mut rest = text;
        self.run(&mut rest, lookup, &mut out, 0)?;
        Ok(out)
    }

    /// Fills variables into every text of a tree; keys stay as they are.
    pub fn node(
        &self,
        node: &mut Node,
        path: &str,
        variables: &BTreeMap<String, String>,
    ) -> Result<(), LoadError> {
        match &mut node.value {
            Value::Scalar(scalar) => {
                if scalar.kind == Kind::Text && scalar.text.contains('$') {
                    let filled = self.text(&scalar.text, variables).map_err(|problem| {
                        LoadError::at(&node.at, path, problem.describe(&scalar.text))
                    })?;
                    scalar.text = filled.into();
                }
            }
            Value::Sequence(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.node(item, &format!("{path}[{index}]"), variables)?;
                }
            }
            Value::Mapping(mapping) => {
                for (key, entry) in mapping {
                    let path = match path {
                        "" => key.to_string(),
                        path => format!("{path}.{key}"),
                    };
                    self.node(&mut entry.node, &path, variables)?;
                }
            }
        }
        Ok(())
    }

    /// Up to the end, or to the `}` that closes a default.
    fn run<'a>(
        &self,
        rest: &mut &str,
        lookup: &dyn Fn(&str) -> Option<&'a str>,
        out: &mut String,
        depth: usize,
    ) -> Result<(), Problem> {
        loop {
            let stop = |c: char| c == '$' || (depth > 0 && c == '}');
            let end = rest.find(stop).unwrap_or(rest.len());
            self.push(out, &rest[..end])?;
            *rest = &rest[end..];
            let Some(after) = rest.strip_prefix('$') else {
                return Ok(());
            };
            if let Some(after) = after.strip_prefix('$') {
                self.push(out, "$")?;
                *rest = after;
            } else if let Some(after) = after.strip_prefix('{') {
                *rest = after;
                self.braced(rest, lookup, out, depth)?;
            } else {
                let (name, after) = name(after).ok_or(Problem::Format)?;
                *rest = after;
                self.value(name, lookup, out)?;
            }
        }
    }

    /// What follows `${`, with its `}`.
    fn braced<'a>(
        &self,
        rest: &mut &str,
        lookup: &dyn Fn(&str) -> Option<&'a str>,
        out: &mut String,
        depth: usize,
    ) -> Result<(), Problem> {
        if depth == DEEPEST {
            return Err(Problem::TooLarge);
        }
        let (name, after) = name(rest).ok_or(Problem::Format)?;
        if let Some(after) = after.strip_prefix('}') {
            *rest = after;
            return self.value(name, lookup, out);
        }
        let (non_empty, after) = match after.strip_prefix(':') {
            Some(after) => (true, after),
            None => (false, after),
        };
        let operator = after.chars().next().filter(|c| "-?+".contains(*c));
        let operator = operator.ok_or(Problem::Format)?;
        *rest = &after[1..];
        let mut word = String::new();
        // What is not used may lack variables, and needs none.
        let value = lookup(name).filter(|value| !(non_empty && value.is_empty()));
        let used = value.is_none() != (operator == '+');
        if used {
            self.run(rest, lookup, &mut word, depth + 1)?;
        } else {
            skip(rest)?;
        }
        *rest = rest.strip_prefix('}').ok_or(Problem::Format)?;
        match (operator, value) {
            ('-', None) | ('+', Some(_)) => self.push(out, &word),
            ('-' | '?', Some(value)) => self.push(out, value),
            ('?', None) => Err(Problem::Missing(name.to_owned(), word)),
            _ => Ok(()),
        }
    }

    fn value<'a>(
        &self,
        name: &str,
        lookup: &dyn Fn(&str) -> Option<&'a str>,
        out: &mut String,
    ) -> Result<(), Problem> {
        match lookup(name) {
            Some(value) => self.push(out, value),
            None => {
                self.count(name.len())?;
                self.unset.borrow_mut().insert(name.to_owned());
                Ok(())
            }
        }
    }

    fn push(&self, out: &mut String, text: &str) -> Result<(), Problem> {
        self.count(text.len())?;
        out.push_str(text);
        Ok(())
    }
}

impl Problem {
    /// The words of Docker Compose, where it has some.
    pub fn describe(&self, text: &str) -> String {
        match self {
            Problem::Format => format!(
                "invalid interpolation format: \"{text}\"; you may need to escape any $ with another $"
            ),
            Problem::Missing(name, why) if why.is_empty() => {
                format!("required variable {name} is missing a value")
            }
            Problem::Missing(name, why) => {
                format!("required variable {name} is missing a value: {why}")
            }
            Problem::TooLarge => "variables make this too large".to_owned(),
        }
    }
}

/// A name at the beginning, and what follows it.
fn name(text: &str) -> Option<(&str, &str)> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_alphabetic() || first == b'_') {
        return None;
    }
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(text.len());
    Some(text.split_at(end))
}

/// Goes to the `}` that closes what is open.
fn skip(rest: &mut &str) -> Result<(), Problem> {
    let mut open = 0;
    let bytes = rest.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'$' if bytes.get(at + 1) == Some(&b'$') => at += 1,
            b'$' if bytes.get(at + 1) == Some(&b'{') => {
                open += 1;
                at += 1;
            }
            b'}' if open == 0 => {
                *rest = &rest[at..];
                return Ok(());
            }
            b'}' => open -= 1,
            _ => {}
        }
        at += 1;
    }
    Err(Problem::Format)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, Problem> {
        let variables = [("SET", "value"), ("EMPTY", ""), ("_x9", "nine")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        Expansions::default().text(text, &variables)
    }

    #[test]
    fn variables_have_many_forms() {
        for (text, expected) in [
            ("plain", "plain"),
            ("$SET", "value"),
            ("${SET}s $SET.", "values value."),
            ("$_x9-$UNSET-", "nine--"),
            ("$$SET $${SET} $$$SET", "$SET ${SET} $value"),
            ("${SET:-d}${EMPTY:-d}${UNSET:-d}", "valuedd"),
            ("${SET-d}${EMPTY-d}${UNSET-d}", "valued"),
            ("${SET:+o}${EMPTY:+o}${UNSET:+o}", "o"),
            ("${SET+o}${EMPTY+o}${UNSET+o}", "oo"),
            ("${SET:?e}${EMPTY?e}", "value"),
            ("${UNSET:-${EMPTY:-${SET}}}", "value"),
            ("${UNSET:-a${SET}b}c", "avaluebc"),
            ("${SET:-${UNSET?not asked}}", "value"),
            ("${UNSET:-http://a:80/$$}", "http://a:80/$"),
            ("${UNSET:-}", ""),
            ("a}b", "a}b"),
            ("${UNSET:-{\"a\"}", "{\"a\""),
            ("é$SET…", "évalue…"),
        ] {
            assert_eq!(filled(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_variable_is_refused() {
        for text in [
            "$",
            "a$ b",
            "$5",
            "${",
            "${}",
            "${SET",
            "${SET!x}",
            "${SET:}",
            "${SET:=x}",
            "${1A}",
            "${UNSET:-${}",
            "${ SET}",
            "${UNSET:-$}",
            "${SET:-",
        ] {
            assert_eq!(filled(text), Err(Problem::Format), "{text}");
        }
    }

    #[test]
    fn a_required_variable_says_why() {
        let missing = |why: &str| Err(Problem::Missing("UNSET".to_owned(), why.to_owned()));
        assert_eq!(filled("${UNSET?because ${SET}}"), missing("because value"));
        assert_eq!(filled("${UNSET:?}"), missing(""));
        assert_eq!(
            filled("${EMPTY:?e}"),
            Err(Problem::Missing("EMPTY".to_owned(), "e".to_owned()))
        );
    }

    #[test]
    fn texts_are_bounded() {
        let long = "x".repeat(1 << 20);
        let variables = [("A".to_owned(), long)].into();
        let expansions = Expansions::default();
        assert_eq!(
            expansions.text(&"$A".repeat(100), &variables),
            Err(Problem::TooLarge)
        );
        let deep = format!("{}{}", "${X:-".repeat(5000), "}".repeat(5000));
        assert_eq!(filled(&deep), Err(Problem::TooLarge));
    }

    #[test]
    fn unset_variables_are_told_once() {
        let expansions = Expansions::default();
        let none = BTreeMap::new();
        expansions.text("$B $A $A ${C:-x} ${D-}", &none).unwrap();
        assert_eq!(expansions.unset().collect::<Vec<_>>(), ["A", "B"]);
    }
}
