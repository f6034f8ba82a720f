//! Words to flags and arguments by the rules of pflag, which Docker uses.
//!
//! clap has other rules (a value that looks like a flag, `--rm=false`,
//! `-itd`, errors), so this runs first: it knows from the command's clap
//! structure which flags there are, and hands clap a plain `--name=value` for
//! each, in order. clap then does types, defaults and help.

use clap::ArgAction;

use super::parse::number;
use crate::output::go_text::quote;

/// A command line taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    /// `--name=value`, and `--name` for each switch that ends up on.
    pub flags: Vec<String>,
    /// The rest.
    pub arguments: Vec<String>,
    /// `--help` was among the flags.
    pub help: bool,
}

/// A word that is no flag of the command.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlagError {
    /// `--bogus`.
    #[error("unknown flag: --{0}")]
    Unknown(String),
    /// `-z`: the letter, and what of the word was left.
    #[error("unknown shorthand flag: '{0}' in -{1}")]
    UnknownShort(char, String),
    /// `---x`, `--=x`.
    #[error("bad flag syntax: {0}")]
    Syntax(String),
    /// The last word is a flag that needs a value.
    #[error("flag needs an argument: --{0}")]
    Missing(String),
    /// The same for a letter.
    #[error("flag needs an argument: '{0}' in -{1}")]
    MissingShort(char, String),
    /// A switch was given neither true nor false.
    #[error("invalid argument {value} for \"{flag}\" flag: {reason}", value = quote(.value))]
    Switch {
        /// As typed.
        value: String,
        /// `-d, --detach`.
        flag: String,
        /// Go's.
        reason: String,
    },
    /// Docker has it, rbox has not.
    #[error("unsupported flag: {0}")]
    Refused(String),
}

/// Takes a command line apart. `refused`: flags to refuse by name, `long` or `long/s`.
pub fn scan(
    command: &clap::Command,
    words: &[String],
    interspersed: bool,
    refused: &[&str],
) -> Result<Scanned, FlagError> {
    let mut scan = Scan {
        command,
        refused,
        switches: Vec::new(),
        result: Scanned::default(),
    };
    let mut words = words.iter().cloned();
    while let Some(word) = words.next() {
        if word == "--" {
            scan.result.arguments.extend(words);
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            scan.long(long, &word, &mut words)?;
        } else if word.len() > 1 && word.starts_with('-') {
            scan.short(&word[1..], &mut words)?;
        } else {
            scan.result.arguments.push(word);
            if !interspersed {
                scan.result.arguments.extend(words);
                break;
            }
        }
        if scan.result.help {
            break;
        }
    }
    let on = scan
        .switches
        .into_iter()
        .filter(|(_, on)| *on)
        .map(|(long, _)| format!("--{long}"));
    scan.result.flags.extend(on);
    Ok(scan.result)
}

struct Scan<'a> {
    command: &'a clap::Command,
    refused: &'a [&'a str],
    /// Switches given so far; the last word on each counts.
    switches: Vec<(String, bool)>,
    result: Scanned,
}

impl Scan<'_> {
    fn long(
        &mut self,
        text: &str,
        word: &str,
        words: &mut impl Iterator<Item = String>,
    ) -> Result<(), FlagError> {
        if text.starts_with(['-', '=']) {
            return Err(FlagError::Syntax(word.to_owned()));
        }
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        let Some(flag) = self
            .command
            .get_arguments()
            .find(|flag| has_long(flag, name))
        else {
            if name == "help" {
                self.result.help = true;
                return Ok(());
            }
            let refused = |entry: &&&str| entry.split('/').next() == Some(name);
            return Err(match self.refused.iter().find(refused) {
                Some(_) => FlagError::Refused(format!("--{name}")),
                None => FlagError::Unknown(name.to_owned()),
            });
        };
        let value = match value {
            Some(value) => value,
            None if is_switch(flag) => "true".to_owned(),
            None => words
                .next()
                .ok_or_else(|| FlagError::Missing(name.to_owned()))?,
        };
        self.set(flag, value)
    }

    fn short(
        &mut self,
        letters: &str,
        words: &mut impl Iterator<Item = String>,
    ) -> Result<(), FlagError> {
        let mut rest = letters;
        while let Some(letter) = rest.chars().next() {
            let after = &rest[letter.len_utf8()..];
            let Some(flag) = self
                .command
                .get_arguments()
                .find(|flag| flag.get_short() == Some(letter))
            else {
                if letter == 'h' {
                    self.result.help = true;
                    return Ok(());
                }
                let refused = |entry: &&&str| {
                    entry
                        .split_once('/')
                        .is_some_and(|(_, short)| short.starts_with(letter))
                };
                return Err(match self.refused.iter().find(refused) {
                    Some(_) => FlagError::Refused(format!("-{letter}")),
                    None => FlagError::UnknownShort(letter, rest.to_owned()),
                });
            };
            let value = match after.strip_prefix('=') {
                Some(value) => {
                    rest = "";
                    value.to_owned()
                }
                None if is_switch(flag) => {
                    rest = after;
                    "true".to_owned()
                }
                None if !after.is_empty() => {
                    rest = "";
                    after.to_owned()
                }
                None => {
                    let missing = || FlagError::MissingShort(letter, rest.to_owned());
                    let value = words.next().ok_or_else(missing)?;
                    rest = "";
                    value
                }
            };
            self.set(flag, value)?;
        }
        Ok(())
    }

    fn set(&mut self, flag: &clap::Arg, value: String) -> Result<(), FlagError> {
        let Some(long) = flag.get_long() else {
            return Ok(());
        };
        if !is_switch(flag) {
            self.result.flags.push(format!("--{long}={value}"));
            return Ok(());
        }
        let on = number::boolean(&value).map_err(|error| FlagError::Switch {
            value,
            flag: match flag.get_short() {
                Some(short) => format!("-{short}, --{long}"),
                None => format!("--{long}"),
            },
            reason: error.0,
        })?;
        if matches!(flag.get_action(), ArgAction::SetTrue) {
            self.switches.retain(|(other, _)| other != long);
            self.switches.push((long.to_owned(), on));
        } else {
            self.result.flags.push(format!("--{long}={on}"));
        }
        Ok(())
    }
}

/// Whether a flag has this long name, or had it once.
pub fn has_long(flag: &clap::Arg, name: &str) -> bool {
    flag.get_long() == Some(name)
        || flag
            .get_all_aliases()
            .is_some_and(|aliases| aliases.contains(&name))
}

/// A flag that needs no value: a clap switch, or one whose value is optional.
pub fn is_switch(flag: &clap::Arg) -> bool {
    matches!(flag.get_action(), ArgAction::SetTrue)
        || flag
            .get_num_args()
            .is_some_and(|count| count.min_values() == 0)
}

#[cfg(test)]
mod tests;
