//! Flags by the rules of Go's flag package, which runc's command line follows:
//! one dash or two, `--name value` or `--name=value`, a switch takes its value
//! only behind `=`, letters are not bundled, `--` ends the flags.
//!
//! Pure: a table of flags and words become [`Parsed`].

use crate::cli::parse::number;
use crate::output::go_text::quote;

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, or `=true` and `=false`.
    Switch,
    /// A text; the last one counts.
    Text,
    /// A text each time.
    Repeated,
    /// A whole number; the last one counts.
    Number,
    /// What runc has and this runtime has not.
    Refused,
}

/// One flag.
#[derive(Debug)]
pub struct Flag {
    /// Its name without dashes.
    pub long: &'static str,
    /// One letter.
    pub short: Option<&'static str>,
    /// What it takes.
    pub kind: Kind,
    /// For the help.
    pub about: &'static str,
}

impl Flag {
    /// A flag without a letter.
    pub const fn new(long: &'static str, kind: Kind, about: &'static str) -> Flag {
        Flag {
            long,
            short: None,
            kind,
            about,
        }
    }

    /// A flag with a letter.
    pub const fn with_short(
        long: &'static str,
        short: &'static str,
        kind: Kind,
        about: &'static str,
    ) -> Flag {
        Flag {
            long,
            short: Some(short),
            kind,
            about,
        }
    }

    fn is_named(&self, name: &str) -> bool {
        self.long == name || self.short == Some(name)
    }

    fn takes_value(&self) -> bool {
        matches!(self.kind, Kind::Text | Kind::Repeated | Kind::Number)
    }
}

/// Words that are no flags of the command; the texts are Go's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlagError {
    /// `--bogus`.
    #[error("flag provided but not defined: -{0}")]
    Unknown(String),
    /// `---x`, `--=x`.
    #[error("bad flag syntax: {0}")]
    Syntax(String),
    /// The last word is a flag that needs a value.
    #[error("flag needs an argument: -{0}")]
    Missing(String),
    /// Not what the flag takes.
    #[error("invalid value {value} for flag -{flag}: parse error", value = quote(.value))]
    Value {
        /// As typed.
        value: String,
        /// As typed, without dashes.
        flag: String,
    },
    /// A switch that is set to neither true nor false.
    #[error("invalid boolean value {value} for -{flag}: parse error", value = quote(.value))]
    Switch {
        /// As typed.
        value: String,
        /// As typed, without dashes.
        flag: String,
    },
    /// runc has it, this runtime has not.
    #[error("flag --{0} is not supported")]
    Refused(&'static str),
}

/// A command line taken apart.
#[derive(Debug, Default)]
pub struct Parsed {
    values: Vec<(&'static str, Value)>,
    /// What is no flag.
    pub arguments: Vec<String>,
    /// `--help` was asked for.
    pub help: bool,
}

#[derive(Debug)]
enum Value {
    Switch(bool),
    Text(String),
    Number(i64),
}

impl Parsed {
    /// Whether a switch is on.
    pub fn on(&self, flag: &Flag) -> bool {
        self.switch(flag).unwrap_or(false)
    }

    /// A switch, where it was given.
    pub fn switch(&self, flag: &Flag) -> Option<bool> {
        self.last(flag).and_then(|value| match value {
            Value::Switch(on) => Some(*on),
            _ => None,
        })
    }

    /// A text that was given and is not empty: runc takes an empty one for none.
    pub fn text(&self, flag: &Flag) -> Option<&str> {
        self.last(flag).and_then(|value| match value {
            Value::Text(text) if !text.is_empty() => Some(text.as_str()),
            _ => None,
        })
    }

    /// All texts of a flag, in order.
    pub fn all(&self, flag: &Flag) -> impl Iterator<Item = &str> {
        let given = self.values.iter().filter(|(name, _)| *name == flag.long);
        given.filter_map(|(_, value)| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// A number, where one was given.
    pub fn number(&self, flag: &Flag) -> Option<i64> {
        self.last(flag).and_then(|value| match value {
            Value::Number(number) => Some(*number),
            _ => None,
        })
    }

    fn last(&self, flag: &Flag) -> Option<&Value> {
        let mut given = self.values.iter().rev();
        given
            .find(|(name, _)| *name == flag.long)
            .map(|(_, value)| value)
    }
}

/// Takes words apart. `interspersed`: flags may follow arguments, as in most of
/// runc's commands; otherwise the first argument ends them.
pub fn parse(
    flags: &[&'static Flag],
    words: &[String],
    interspersed: bool,
) -> Result<Parsed, FlagError> {
    let mut parsed = Parsed::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            parsed.arguments.extend(words.cloned());
            break;
        }
        if word.len() < 2 || !word.starts_with('-') {
            parsed.arguments.push(word.clone());
            if interspersed {
                continue;
            }
            parsed.arguments.extend(words.cloned());
            break;
        }
        let body = word.strip_prefix("--").unwrap_or(&word[1..]);
        if body.starts_with(['-', '=']) {
            return Err(FlagError::Syntax(word.clone()));
        }
        let (name, given) = match body.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (body, None),
        };
        let Some(flag) = flags.iter().find(|flag| flag.is_named(name)) else {
            if name == "help" || name == "h" {
                parsed.help = true;
                break;
            }
            return Err(FlagError::Unknown(name.to_owned()));
        };
        let given = match given {
            None if flag.takes_value() => Some(
                words
                    .next()
                    .ok_or_else(|| FlagError::Missing(name.to_owned()))?
                    .clone(),
            ),
            given => given,
        };
        let value = value(flag, name, given)?;
        parsed.values.push((flag.long, value));
    }
    Ok(parsed)
}

/// What a flag was set to; `None` is a switch without a value.
fn value(flag: &Flag, name: &str, given: Option<String>) -> Result<Value, FlagError> {
    match (flag.kind, given) {
        (Kind::Refused, _) => Err(FlagError::Refused(flag.long)),
        (Kind::Switch, None) => Ok(Value::Switch(true)),
        (Kind::Switch, Some(text)) => match number::boolean(&text) {
            Ok(on) => Ok(Value::Switch(on)),
            Err(_) => Err(FlagError::Switch {
                value: text,
                flag: name.to_owned(),
            }),
        },
        (Kind::Number, text) => {
            let text = text.unwrap_or_default();
            text.parse()
                .map(Value::Number)
                .map_err(|_| FlagError::Value {
                    value: text,
                    flag: name.to_owned(),
                })
        }
        (Kind::Text | Kind::Repeated, text) => Ok(Value::Text(text.unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests;
