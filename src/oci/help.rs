//! The help of the runtime and of its commands.

use super::NAME;
use super::command::{COMMANDS, Command};
use super::flags::{Flag, Kind};
use super::globals;

/// Of the runtime.
pub fn overview() -> String {
    let commands: Vec<(String, &str)> = COMMANDS
        .iter()
        .map(|command| (command.name.to_owned(), command.about))
        .collect();
    format!(
        "NAME:\n   {NAME} - Open Container Initiative runtime of rbox\n\n\
         USAGE:\n   {NAME} [global options] command [command options] [arguments...]\n\n\
         COMMANDS:\n{}\nGLOBAL OPTIONS:\n{}",
        columns(&commands),
        options(globals::FLAGS)
    )
}

/// Of one command.
pub fn command(command: &Command) -> String {
    let mut text = format!(
        "NAME:\n   {NAME} {} - {}\n\nUSAGE:\n   {}\n",
        command.name,
        command.about,
        format!("{NAME} {} {}", command.name, command.usage).trim_end(),
    );
    let options = options(command.flags);
    if !options.is_empty() {
        text.push_str(&format!("\nOPTIONS:\n{options}"));
    }
    text
}

fn options(flags: &[&Flag]) -> String {
    let lines: Vec<(String, &str)> = flags
        .iter()
        .filter(|flag| flag.kind != Kind::Refused)
        .map(|flag| (name(flag), flag.about))
        .collect();
    columns(&lines)
}

fn name(flag: &Flag) -> String {
    let value = match flag.kind {
        Kind::Switch | Kind::Refused => "",
        Kind::Text | Kind::Repeated | Kind::Number => " value",
    };
    let long = flag.long;
    match flag.short {
        Some(short) => format!("--{long}{value}, -{short}{value}"),
        None => format!("--{long}{value}"),
    }
}

fn columns(lines: &[(String, &str)]) -> String {
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    lines
        .iter()
        .map(|(name, about)| format!("   {name:width$}  {about}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{command, overview};

    #[test]
    fn the_overview_lists_commands_and_options() {
        let text = overview();
        for part in [
            "   state     ",
            "   --log-format value  ",
            "rbox-runtime [global options]",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains("criu"), "{text}");
    }

    #[test]
    fn a_command_shows_its_flags_with_their_letters() {
        let text = command(&super::super::delete::COMMAND);
        assert!(
            text.contains("rbox-runtime delete [command options] <container-id>"),
            "{text}"
        );
        assert!(text.contains("   --force, -f  "), "{text}");
    }
}
