//! The help of a command in Docker's layout. Its options: flag, kind of value, what it is for,
//! wrapped at 80 columns.

use clap::Arg;

use super::call::Spec;
use super::{catalog, flags};

/// Columns of a line.
const WIDTH: usize = 80;

/// `rbox run --help`.
pub fn of_command(path: &str, spec: &Spec) -> String {
    let usage = format!("rbox {path} {}", spec.usage);
    let mut text = format!("Usage:  {}\n\n{}\n", usage.trim_end(), spec.about);
    let names = catalog::names(spec);
    if names.len() > 1 {
        let names: Vec<String> = names.iter().map(|name| format!("rbox {name}")).collect();
        text.push_str(&format!("\nAliases:\n  {}\n", names.join(", ")));
    }
    let options = options(&(spec.flags)());
    if !options.is_empty() {
        text.push_str(&format!("\nOptions:\n{options}"));
    }
    if !spec.examples.is_empty() {
        text.push_str("\nExamples:\n");
        for line in spec.examples.lines() {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text
}

/// A flag as it is shown.
pub struct Shown {
    /// `-d`.
    pub short: Option<char>,
    /// `detach`.
    pub long: String,
    /// Kind of its value: `list`; none of a switch.
    pub kind: Option<String>,
    /// What it is for, with its default.
    pub about: String,
}

/// The flags of a command by name, without the hidden ones.
pub fn flags(command: &clap::Command) -> Vec<Shown> {
    let mut flags: Vec<Shown> = command
        .get_arguments()
        .filter(|flag| !flag.is_hide_set())
        .filter_map(|flag| {
            let kind = match flag.get_value_names() {
                Some([kind, ..]) if !flags::is_switch(flag) => Some(kind.to_string()),
                _ => None,
            };
            Some(Shown {
                short: flag.get_short(),
                long: flag.get_long()?.to_owned(),
                kind,
                about: about(flag),
            })
        })
        .collect();
    flags.sort_by(|a, b| a.long.cmp(&b.long));
    flags
}

/// One line or more for each flag, by name; empty where there is none.
pub fn options(command: &clap::Command) -> String {
    let flags = flags(command);
    let names: Vec<String> = flags.iter().map(name).collect();
    let column = names.iter().map(String::len).max().unwrap_or_default() + 3;
    let mut text = String::new();
    for (flag, name) in flags.iter().zip(&names) {
        let width = WIDTH.saturating_sub(column).max(WIDTH / 4);
        let mut lines = wrap(&flag.about, width).into_iter();
        let first = lines.next().unwrap_or_default();
        text.push_str(format!("{name:column$}{first}").trim_end());
        text.push('\n');
        for line in lines {
            text.push_str(&format!("{:column$}{line}\n", ""));
        }
    }
    text
}

fn name(flag: &Shown) -> String {
    let short = flag
        .short
        .map_or("    ".to_owned(), |short| format!("-{short}, "));
    let kind = flag.kind.as_ref().map(|kind| format!(" {kind}"));
    format!("  {short}--{}{}", flag.long, kind.unwrap_or_default())
}

fn about(flag: &Arg) -> String {
    let mut about = flag.get_help().map(ToString::to_string).unwrap_or_default();
    if let [default] = flag.get_default_values()
        && !flag.is_hide_default_value_set()
    {
        let default = default.to_string_lossy();
        let number = default.parse::<i64>().is_ok();
        let quote = if number { "" } else { "\"" };
        about.push_str(&format!(" (default {quote}{default}{quote})"));
    }
    about
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[derive(clap::Parser)]
    struct Rows {
        /// Show n last created containers (includes all states)
        #[arg(short = 'n', long, value_name = "int", default_value = "-1")]
        last: String,
        /// Show all
        #[arg(short, long)]
        all: bool,
        /// Driver to manage the Network
        #[arg(long, value_name = "string", default_value = "bridge")]
        driver: String,
        #[arg(hide = true)]
        word: Option<String>,
    }

    #[test]
    fn options_look_like_dockers() {
        assert_eq!(
            super::options(&Rows::command()),
            "  -a, --all             Show all\n\
             \x20     --driver string   Driver to manage the Network (default \"bridge\")\n\
             \x20 -n, --last int        Show n last created containers (includes all states)\n\
             \x20                       (default -1)\n"
        );
    }
}
