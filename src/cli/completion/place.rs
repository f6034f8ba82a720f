//! What could stand in the place of the last word of a command line that is being typed.

use std::path::PathBuf;

use crate::cli::call::Spec;
use crate::cli::catalog::{self, Group};
use crate::cli::flags;
use crate::engine::dirs::Dirs;

/// The place.
pub struct Place {
    /// The command so far: `run`, `network create`.
    pub path: String,
    /// What is sought.
    pub sought: Sought,
    /// The roots that `--root` and `--run-root` name.
    pub dirs: Dirs,
    /// Flags with values that were passed, as those of `compose` that name its files.
    pub project: Vec<(String, String)>,
}

/// What can stand there.
pub enum Sought {
    /// A command or a group; of this group alone.
    Command(Option<&'static Group>),
    /// A flag of the command.
    Flag(clap::Command),
    /// A flag's value.
    Value {
        /// The flag.
        flag: clap::Arg,
        /// What precedes the value in the same word: `--network=`.
        before: String,
    },
    /// An argument of the command, counted from 0.
    Argument(&'static Spec, usize),
    /// Nothing that is known.
    Nothing,
}

/// Reads all words but the last, of which `current` is what is typed already.
pub fn find(words: &[String], current: &str) -> Place {
    let mut reader = Reader {
        words: words.iter(),
        values: Vec::new(),
        arguments: 0,
    };
    let place = |path: &str, sought, dirs| Place {
        path: path.to_owned(),
        sought,
        dirs,
        project: Vec::new(),
    };
    let outer = reader.read(&super::super::RBOX, current);
    let root = |long: &str| -> Option<PathBuf> {
        let values = reader.values.iter().rev();
        let mut values = values.filter(|(flag, _)| flag == long);
        values.next().map(|(_, value)| PathBuf::from(value))
    };
    let dirs = Dirs::resolve(root("root"), root("run-root"));
    let first = match outer {
        Read::Sought(sought) => return place("", *sought, dirs),
        Read::Word(word) => word,
        Read::End => return place("", Sought::Command(None), dirs),
    };
    if first == "help" {
        return place("", Sought::Command(None), dirs);
    }
    let path = match catalog::group(first) {
        None => first.to_owned(),
        Some(group) => {
            let read = match catalog::group_spec(group) {
                Some(spec) => reader.read(spec, current),
                None => reader
                    .words
                    .next()
                    .map_or(Read::End, |word| Read::Word(word)),
            };
            match read {
                Read::Sought(sought) => return place(first, *sought, dirs),
                Read::End => return place(first, Sought::Command(Some(group)), dirs),
                Read::Word(second) => format!("{first} {second}"),
            }
        }
    };
    let Some(spec) = catalog::find(&path) else {
        return place(&path, Sought::Nothing, dirs);
    };
    let sought = loop {
        match reader.read(spec, current) {
            Read::Sought(sought) => break *sought,
            Read::Word(_) => reader.arguments += 1,
            Read::End => break Sought::Argument(spec, reader.arguments),
        }
    };
    Place {
        project: reader.values,
        ..place(&path, sought, dirs)
    }
}

/// Goes through words by the rules of pflag.
struct Reader<'a> {
    words: std::slice::Iter<'a, String>,
    /// Flags with values that were passed.
    values: Vec<(String, String)>,
    /// Arguments that were passed.
    arguments: usize,
}

enum Read<'a> {
    /// The next argument.
    Word(&'a str),
    /// The last word is a flag or a flag's value.
    Sought(Box<Sought>),
    /// The last word is an argument.
    End,
}

impl<'a> Reader<'a> {
    fn read(&mut self, spec: &Spec, current: &str) -> Read<'a> {
        let command = (spec.flags)();
        if command.get_arguments().next().is_none() {
            return self.words.next().map_or(Read::End, |word| Read::Word(word));
        }
        let flags_end = !spec.interspersed && self.arguments > 0;
        while let Some(word) = self.words.next() {
            if word == "--" {
                self.arguments += self.words.len();
                self.words = [].iter();
                return Read::End;
            }
            if flags_end || word.len() < 2 || !word.starts_with('-') {
                return Read::Word(word);
            }
            let Some(flag) = open_flag(&command, word) else {
                if let Some((long, value)) = word.trim_start_matches('-').split_once('=') {
                    self.values.push((long.to_owned(), value.to_owned()));
                }
                continue;
            };
            let Some(value) = self.words.next() else {
                return Read::Sought(Box::new(Sought::Value {
                    flag: flag.clone(),
                    before: String::new(),
                }));
            };
            let long = flag.get_long().unwrap_or_default();
            self.values.push((long.to_owned(), value.clone()));
        }
        if flags_end || !current.starts_with('-') {
            return Read::End;
        }
        Read::Sought(Box::new(match current.split_once('=') {
            Some((name, _)) => match open_flag(&command, name) {
                Some(flag) => Sought::Value {
                    flag: flag.clone(),
                    before: format!("{name}="),
                },
                None => Sought::Nothing,
            },
            None => Sought::Flag(command),
        }))
    }
}

/// The flag that a word ends with and whose value is the next word.
fn open_flag<'a>(command: &'a clap::Command, word: &str) -> Option<&'a clap::Arg> {
    let mut all = command.get_arguments();
    if let Some(long) = word.strip_prefix("--") {
        return all.find(|flag| flags::has_long(flag, long) && !flags::is_switch(flag));
    }
    let letters: Vec<char> = word.chars().skip(1).collect();
    for (index, letter) in letters.iter().enumerate() {
        let flag = command
            .get_arguments()
            .find(|flag| flag.get_short() == Some(*letter))?;
        if !flags::is_switch(flag) {
            return (index + 1 == letters.len()).then_some(flag);
        }
    }
    None
}
