//! The table in docs/coming-from-docker.md.

use super::docker::{self, Command, Flag, Verdict};
use crate::cli::{catalog, flags};

const BEGIN: &str = "<!-- made by `cargo xtask documents` -->\n";
const END: &str = "<!-- until here -->\n";

#[test]
fn every_command_and_flag_of_docker_is_in_the_table() {
    let name = "coming-from-docker.md";
    let text = std::fs::read_to_string(super::path(name)).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the beginning of the table");
    let (_, after) = rest.split_once(END).expect("the end of the table");
    let (table, wrong) = table();
    assert!(wrong.is_empty(), "{wrong:#?}");
    super::check(name, &format!("{before}{BEGIN}{table}{END}{after}"));
}

/// The table, and what of Docker's is neither in rbox nor refused.
fn table() -> (String, Vec<String>) {
    let commands = docker::commands();
    let mut wrong = Vec::new();
    let mut text = String::from(
        "\n| Docker's command | the same | different | refused |\n|---|---|---|---|\n",
    );
    for command in &commands {
        text.push_str(&row(command, &mut wrong));
    }
    text.push_str("\nrbox alone has:\n\n| command | flags |\n|---|---|\n");
    text.push_str(&own(&commands));
    text.push('\n');
    (text, wrong)
}

fn row(command: &Command, wrong: &mut Vec<String>) -> String {
    let (mut same, mut differs, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    let mut later = Vec::new();
    match command.verdict() {
        Ok(Verdict::Same) => {}
        Ok(Verdict::Differs(how)) => differs.push(how.to_owned()),
        Ok(Verdict::Refused(why)) => refused.push(why.unwrap_or("not yet").to_owned()),
        Err(error) => wrong.push(error),
    }
    if let Some(spec) = command.spec() {
        for flag in command.flags.iter().flatten() {
            match command.flag(spec, flag) {
                Ok(Verdict::Same) => same.push(shown(flag)),
                Ok(Verdict::Differs(how)) => differs.push(format!("{}: {how}", shown(flag))),
                Ok(Verdict::Refused(Some(why))) => refused.push(format!("{}: {why}", shown(flag))),
                Ok(Verdict::Refused(None)) => later.push(shown(flag)),
                Err(error) => wrong.push(error),
            }
        }
    }
    // Flags with one reason share it.
    let (differs, refused) = (grouped(differs), grouped(refused));
    let later = match later.is_empty() {
        true => String::new(),
        false => format!("not yet: {}", later.join(" ")),
    };
    let refused: Vec<String> = refused
        .into_iter()
        .chain((!later.is_empty()).then_some(later))
        .collect();
    let mut names = command.names.iter();
    let first = names.next().map(|name| format!("**{name}**"));
    let names: Vec<String> = first
        .into_iter()
        .chain(names.map(|n| (*n).into()))
        .collect();
    format!(
        "| {} | {} | {} | {} |\n",
        names.join(", "),
        same.join(" "),
        differs.join("; "),
        refused.join("; ")
    )
}

/// `--a: why` and `--b: why` as `--a --b: why`.
fn grouped(entries: Vec<String>) -> Vec<String> {
    let mut groups: Vec<(String, String)> = Vec::new();
    let mut alone = Vec::new();
    for entry in entries {
        match entry.split_once("`: ") {
            Some((flag, why)) => match groups.iter_mut().find(|(_, other)| other == why) {
                Some((flags, _)) => flags.push_str(&format!(" {flag}`")),
                None => groups.push((format!("{flag}`"), why.to_owned())),
            },
            None => alone.push(entry),
        }
    }
    let groups = groups
        .into_iter()
        .map(|(flags, why)| format!("{flags}: {why}"));
    alone.into_iter().chain(groups).collect()
}

fn shown(flag: &Flag) -> String {
    match flag.short {
        Some(short) => format!("`-{short} --{}`", flag.long),
        None => format!("`--{}`", flag.long),
    }
}

/// Commands and flags that Docker has not.
fn own(commands: &[Command]) -> String {
    let mut rows = Vec::new();
    for (name, spec) in catalog::commands() {
        let theirs = commands.iter().find(|command| {
            let spec_of = command.spec();
            spec_of.is_some_and(|other| std::ptr::eq(other, spec))
        });
        let clap = (spec.flags)();
        let flags: Vec<String> = clap
            .get_arguments()
            .filter(|flag| !flag.is_hide_set())
            .filter(|flag| {
                let mut known = theirs.iter().flat_map(|c| c.flags.iter().flatten());
                !known.any(|theirs| flags::has_long(flag, theirs.long))
            })
            .filter_map(|flag| Some(format!("`--{}`", flag.get_long()?)))
            .collect();
        match theirs {
            None => rows.push(format!("| **{name}** | {} |\n", flags.join(" "))),
            Some(_) if !flags.is_empty() => {
                rows.push(format!("| {name} | {} |\n", flags.join(" ")));
            }
            Some(_) => {}
        }
    }
    rows.sort_by_key(|row| row.replace('*', ""));
    rows.concat()
}
