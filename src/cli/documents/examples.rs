//! The examples of the help are command lines that rbox takes.

use crate::cli::{catalog, flags};

/// The words of a command line up to the first that is the shell's; quotes as in a shell.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut word, mut quote, mut depth) = (None::<String>, None, 0);
    for c in line.chars() {
        match (quote, c) {
            (Some(end), _) if c == end => quote = None,
            (None, '\'' | '"') if depth == 0 => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') if depth == 0 => words.extend(word.take()),
            _ => {
                depth += usize::from(c == '(');
                depth -= usize::from(c == ')' && depth > 0);
                word.get_or_insert_default().push(c);
            }
        }
    }
    words.extend(word);
    let end = words
        .iter()
        .position(|word| ["|", "<", ">", "#", "&&"].contains(&word.as_str()));
    words.truncate(end.unwrap_or(words.len()));
    words
}

/// A command line's command as a path, and what follows it.
fn split(words: &[String]) -> Option<(String, &[String])> {
    (1..=2.min(words.len())).rev().find_map(|length| {
        let path = words[..length].join(" ");
        catalog::find(&path).map(|_| (path, &words[length..]))
    })
}

#[test]
fn every_example_is_a_command_line_of_its_command() {
    for (name, spec) in catalog::commands() {
        let mut shown = 0;
        for line in spec.examples.lines() {
            assert!(line.chars().count() <= 78, "{name}: {line}: too long");
            for part in line.split(" | ") {
                let Some(rest) = part.strip_prefix("rbox ") else {
                    continue;
                };
                let words = words(rest);
                let (path, words) =
                    split(&words).unwrap_or_else(|| panic!("{name}: {line}: no such command"));
                let found = catalog::find(&path).unwrap();
                shown += usize::from(std::ptr::eq(found, spec));
                let command = (found.flags)();
                let scanned = flags::scan(&command, words, found.interspersed, &[])
                    .unwrap_or_else(|error| panic!("{name}: {line}: {error}"));
                if scanned.help || command.get_arguments().next().is_none() {
                    continue;
                }
                assert_eq!(
                    found.arity.check(scanned.arguments.len()),
                    Ok(()),
                    "{name}: {line}"
                );
                let words = scanned.flags.into_iter().chain(["--".into()]);
                command
                    .no_binary_name(true)
                    .disable_help_flag(true)
                    .args_override_self(true)
                    .try_get_matches_from(words.chain(scanned.arguments))
                    .unwrap_or_else(|error| panic!("{name}: {line}: {error}"));
            }
        }
        assert!(
            shown > 0 || spec.examples.is_empty(),
            "{name}: no example shows it"
        );
    }
}

#[test]
fn words_are_a_shells() {
    for (line, expected) in [
        ("ps -a", vec!["ps", "-a"]),
        ("rm $(rbox ps -aq) x", vec!["rm", "$(rbox ps -aq)", "x"]),
        (r#"x -m "a b" '' # why"#, vec!["x", "-m", "a b", ""]),
        ("build - < Dockerfile", vec!["build", "-"]),
    ] {
        assert_eq!(words(line), expected);
    }
}
