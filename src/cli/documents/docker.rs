//! Docker's commands and flags, and what rbox does with each.

use std::collections::BTreeMap;

use crate::cli::call::Spec;
use crate::cli::{RBOX, catalog, compose, flags, refused};

/// One command of Docker.
pub struct Command {
    /// Its names, the shown one first.
    pub names: Vec<&'static str>,
    /// Its flags; `None` where it is refused as a whole.
    pub flags: Option<Vec<Flag>>,
    /// How it and its flags differ; the command itself is `-`.
    differs: BTreeMap<&'static str, &'static str>,
    /// Why it and its flags are refused.
    refused: BTreeMap<&'static str, &'static str>,
}

/// One flag.
pub struct Flag {
    /// `detach`.
    pub long: &'static str,
    /// `d`.
    pub short: Option<char>,
    /// It takes a value.
    value: bool,
}

/// What rbox does with a command or a flag.
pub enum Verdict {
    /// The same.
    Same,
    /// The same but for this.
    Differs(&'static str),
    /// It refuses it by name; without a reason: not yet.
    Refused(Option<&'static str>),
}

/// All commands, as docker.txt has them.
pub fn commands() -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    for line in include_str!("docker.txt").lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some(line) = line.strip_prefix("  ") else {
            commands.push(Command {
                names: line.split(", ").collect(),
                flags: None,
                differs: BTreeMap::new(),
                refused: BTreeMap::new(),
            });
            continue;
        };
        let command = commands.last_mut().expect("a command comes first");
        let note = |text: &'static str| -> (&'static str, &'static str) {
            text.split_once(": ").expect("a colon follows the flag")
        };
        if let Some(text) = line.strip_prefix("~ ") {
            command.differs.extend([note(text)]);
        } else if let Some(text) = line.strip_prefix("! ") {
            command.refused.extend([note(text)]);
        } else {
            let flags = command.flags.get_or_insert_default();
            let words = line.split_whitespace().filter(|word| *word != "-");
            flags.extend(words.map(|word| {
                let name = word.trim_end_matches('=');
                let (long, short) = name.split_once('/').unwrap_or((name, ""));
                Flag {
                    long,
                    short: short.chars().next(),
                    value: word.ends_with('='),
                }
            }));
        }
    }
    commands
}

impl Command {
    /// What rbox has in its place.
    pub fn spec(&self) -> Option<&'static Spec> {
        match self.names[0] {
            "rbox" => Some(&RBOX),
            compose::NAME => Some(&compose::SPEC),
            name => catalog::find(name),
        }
    }

    /// What rbox does with the command; else what is wrong with that.
    pub fn verdict(&self) -> Result<Verdict, String> {
        match self.spec() {
            Some(_) => self.built("-"),
            None => {
                let refused = |name: &&str| {
                    catalog::is_dockers(name)
                        || name
                            .strip_prefix("compose ")
                            .is_some_and(compose::is_refused)
                };
                if !self.names.iter().all(refused) {
                    return Err(format!("{:?}: neither there nor refused", self.names));
                }
                Ok(Verdict::Refused(self.refused.get("-").copied()))
            }
        }
    }

    /// The same for a flag of a command that rbox has.
    pub fn flag(&self, spec: &Spec, flag: &Flag) -> Result<Verdict, String> {
        let shown = format!("{} --{}", self.names[0], flag.long);
        let command = (spec.flags)();
        let mut all = command.get_arguments();
        if let Some(own) = all.find(|own| flags::has_long(own, flag.long)) {
            let note = self.differs.contains_key(flag.long);
            let letter = |short| {
                let aliases = own.get_all_short_aliases().unwrap_or_default();
                own.get_short() == Some(short) || aliases.contains(&short)
            };
            if !flag.short.is_none_or(letter) && !note {
                return Err(format!("{shown}: without its letter"));
            }
            if flags::is_switch(own) == flag.value && !note {
                return Err(format!("{shown}: a switch here or there"));
            }
            return self.built(flag.long);
        }
        let path = match self.names[0] {
            "rbox" => "",
            name => catalog::short_name(spec, name),
        };
        let mut refused = refused::flags(path).iter();
        if !refused.any(|entry| entry.split('/').next() == Some(flag.long)) {
            return Err(format!("{shown}: neither there nor refused"));
        }
        if self.differs.contains_key(flag.long) {
            return Err(format!("{shown}: refused, so that it does not differ"));
        }
        Ok(Verdict::Refused(self.refused.get(flag.long).copied()))
    }

    fn built(&self, what: &str) -> Result<Verdict, String> {
        if self.refused.contains_key(what) {
            return Err(format!(
                "{} {what}: is there by now, but docker.txt says why not",
                self.names[0]
            ));
        }
        Ok(match self.differs.get(what) {
            Some(how) => Verdict::Differs(how),
            None => Verdict::Same,
        })
    }
}

#[test]
fn other_names_of_a_command_are_the_same_command() {
    for command in commands() {
        let Some(spec) = command.spec() else { continue };
        for name in &command.names[1..] {
            let found = catalog::find(name);
            assert!(
                found.is_some_and(|found| std::ptr::eq(found, spec)),
                "{name} is not {}",
                command.names[0]
            );
        }
    }
}

#[test]
fn notes_are_about_flags_that_there_are() {
    for command in commands() {
        let flags: Vec<&str> = command
            .flags
            .iter()
            .flatten()
            .map(|flag| flag.long)
            .collect();
        for noted in command.differs.keys().chain(command.refused.keys()) {
            let known = *noted == "-" || flags.contains(noted);
            assert!(known, "{}: {noted}", command.names[0]);
        }
    }
}
