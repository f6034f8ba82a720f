//! What stands between `compose` and its command.

use std::path::PathBuf;

use super::super::call::{Call, say};
use super::super::stop::Stop;
use super::super::system;
use super::help;
use crate::cli::parse::Invalid;
use crate::output::compose::Style;
use crate::output::compose::colour::Ansi;

/// Flags before the command.
#[derive(clap::Parser)]
struct Globals {
    /// Control when to print ANSI control characters ("never"|"always"|"auto") (default "auto")
    #[arg(long, value_name = "string", value_parser = ansi)]
    ansi: Option<Ansi>,
    /// Specify an alternate environment file
    #[arg(long, value_name = "stringArray")]
    env_file: Vec<PathBuf>,
    /// Compose configuration files
    #[arg(short, long, value_name = "stringArray")]
    file: Vec<PathBuf>,
    /// Specify a profile to enable
    #[arg(long, value_name = "stringArray")]
    profile: Vec<String>,
    /// Set type of progress output (auto, tty, plain, json, quiet) (default "auto")
    #[arg(long, value_name = "string", value_parser = style)]
    progress: Option<Style>,
    /// Specify an alternate working directory (default: the path of the, first specified, Compose file)
    #[arg(long, value_name = "string", alias = "workdir")]
    project_directory: Option<PathBuf>,
    /// Project name
    #[arg(short, long, value_name = "string")]
    project_name: Option<String>,
    /// Show the version information
    #[arg(short, long, hide = true)]
    version: bool,
    #[arg(hide = true)]
    command: Vec<String>,
}

/// The same, for the command that follows.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `-f`, in order.
    pub files: Vec<PathBuf>,
    /// `-p`.
    pub project_name: Option<String>,
    /// `--project-directory`.
    pub directory: Option<PathBuf>,
    /// `--env-file`, in order.
    pub env_files: Vec<PathBuf>,
    /// `--profile`.
    pub profiles: Vec<String>,
    /// `--ansi`.
    pub ansi: Ansi,
    /// `--progress`.
    pub style: Style,
}

/// Takes the flags off the words, and leaves command and what follows.
pub fn take(call: &mut Call) -> Result<(), Stop> {
    if let Some("--help" | "-h") = call.words.first().map(String::as_str) {
        say(&help());
        return Err(Stop::Exit(0));
    }
    let globals: Globals = call.parse()?;
    if globals.version {
        say(&format!("{}\n", system::version_line()));
        return Err(Stop::Exit(0));
    }
    let set = |given: Option<String>, name| given.or_else(|| variable(name));
    call.compose = Settings {
        ansi: match globals.ansi {
            Some(ansi) => ansi,
            None => variable("COMPOSE_ANSI").map_or(Ok(Ansi::Auto), |text| ansi(&text))?,
        },
        style: match globals.progress {
            Some(style) => style,
            None => variable("COMPOSE_PROGRESS").map_or(Ok(Style::Auto), |text| style(&text))?,
        },
        files: globals.file,
        project_name: set(globals.project_name, "COMPOSE_PROJECT_NAME"),
        directory: globals.project_directory,
        env_files: globals.env_file,
        profiles: globals.profile,
    };
    call.words = globals.command;
    Ok(())
}

/// They themselves.
pub fn command() -> clap::Command {
    <Globals as clap::CommandFactory>::command()
}

/// A variable that is set to something.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn ansi(text: &str) -> Result<Ansi, Invalid> {
    match text {
        "auto" => Ok(Ansi::Auto),
        "always" => Ok(Ansi::Always),
        "never" => Ok(Ansi::Never),
        _ => Err(Invalid(format!(
            "unsupported --ansi value {text:?}: it is auto, always or never"
        ))),
    }
}

fn style(text: &str) -> Result<Style, Invalid> {
    match text {
        "auto" => Ok(Style::Auto),
        "tty" => Ok(Style::Terminal),
        "plain" => Ok(Style::Plain),
        "json" => Ok(Style::Json),
        "quiet" => Ok(Style::Quiet),
        _ => Err(Invalid(format!("unsupported --progress value {text:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Ansi, Style, ansi, style};

    #[test]
    fn words_that_are_none_are_refused() {
        assert_eq!(ansi("never").unwrap(), Ansi::Never);
        assert!(ansi("sometimes").unwrap_err().0.contains("\"sometimes\""));
        assert_eq!(style("tty").unwrap(), Style::Terminal);
        assert!(style("fancy").is_err());
    }
}
