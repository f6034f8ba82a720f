//! The command line: one file a command, each a clap structure that becomes a
//! request for the engine, and the result printed.
//!
//! ```text
//! words ──catalog──▶ Spec ──flags (pflag's rules)──▶ clap structure ──parse/──▶ Request ──▶ engine
//! ```
//!
//! Only the structure of the one command that was typed is ever built.

mod archive_output;
mod builder;
mod call;
mod capture;
mod catalog;
mod completion;
mod compose;
mod container;
#[cfg(test)]
mod documents;
mod flags;
mod generate;
mod help;
mod image;
mod network;
pub mod parse;
mod refused;
mod registry;
mod side_by_side;
mod stop;
mod system;
mod timing;
mod volume;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use call::{Arity, Call, Spec, say};
use stop::{Outcome, Stop};

use crate::engine::dirs::Dirs;
use crate::engine::failure::Failure;
use crate::output::error;
use crate::spelling;

/// Flags before the command.
#[derive(clap::Parser)]
struct Globals {
    /// Where containers, images and networks are kept (default "/var/lib/rbox")
    #[arg(long, value_name = "string")]
    root: Option<PathBuf>,
    /// Where the state of running containers is (default "/run/rbox")
    #[arg(long, value_name = "string")]
    run_root: Option<PathBuf>,
    /// Registry that may be spoken to by plain HTTP, or by TLS with anybody
    #[arg(long, value_name = "list")]
    insecure_registry: Vec<String>,
    /// Print where the time went, to stderr, when the command is done
    #[arg(long)]
    trace_timing: bool,
    /// Print version information and quit
    #[arg(short, long)]
    version: bool,
    #[arg(hide = true)]
    command: Vec<String>,
}

/// rbox itself, for errors about flags before the command.
static RBOX: Spec = Spec {
    usage: "[OPTIONS] COMMAND [ARG...]",
    about: "Containers with their own networking, without a daemon",
    arity: Arity::AtLeast(0),
    interspersed: false,
    run: |_| Ok(0),
    ..Spec::of::<Globals>()
};

/// Runs the command line that follows the program's name.
pub fn main(words: Vec<OsString>) -> ExitCode {
    let mut call = Call {
        path: String::new(),
        spec: &RBOX,
        words: Vec::new(),
        dirs: Dirs::resolve(None, None),
        insecure_registries: Vec::new(),
        compose: compose::Settings::default(),
    };
    let outcome = text(words).and_then(|words| {
        call.words = words;
        dispatch(&mut call)
    });
    let code = outcome.unwrap_or_else(|stop| stop.report(&call));
    timing::report();
    ExitCode::from(code)
}

/// Arguments must be text: records and JSON could not hold others.
fn text(words: Vec<OsString>) -> Result<Vec<String>, Stop> {
    words
        .into_iter()
        .map(|word| {
            word.into_string()
                .map_err(|word| Stop::failed(format!("argument is not valid UTF-8: {word:?}")))
        })
        .collect()
}

fn dispatch(call: &mut Call) -> Outcome {
    if call.words.first().is_some_and(|word| word.starts_with('-')) {
        match call.words[0].as_str() {
            "--help" | "-h" => {
                say(&catalog::help());
                return Ok(0);
            }
            _ => globals(call)?,
        }
    }
    let words = std::mem::take(&mut call.words);
    let Some(first) = words.first() else {
        error::print_plain(catalog::help().trim_end());
        return Ok(0);
    };
    if first == "help" {
        return help(call, &words[1..]);
    }
    if first == completion::QUESTION {
        return completion::answer(&words[1..]);
    }
    if first == compose::NAME {
        return compose::dispatch(call, &words[1..]);
    }
    let (length, path) = match (catalog::group(first), words.get(1)) {
        (None, _) => (1, first.clone()),
        (Some(group), None) => {
            error::print_plain(catalog::group_help(group).trim_end());
            return Ok(0);
        }
        (Some(group), Some(second)) if second == "--help" || second == "-h" => {
            say(&catalog::group_help(group));
            return Ok(0);
        }
        (Some(_), Some(second)) => (2, format!("{first} {second}")),
    };
    let Some(spec) = catalog::find(&path) else {
        return Err(unknown(first, &path));
    };
    call.path = path;
    call.spec = spec;
    call.words = words[length..].to_vec();
    (spec.run)(call)
}

/// `rbox help run`.
fn help(call: &mut Call, words: &[String]) -> Outcome {
    if words.is_empty() {
        say(&catalog::help());
        return Ok(0);
    }
    call.words = words.iter().cloned().chain(["--help".to_owned()]).collect();
    dispatch(call)
}

fn globals(call: &mut Call) -> Result<(), Stop> {
    let entered = rbox_timing::now();
    let globals: Globals = call.parse()?;
    if globals.trace_timing {
        timing::begin(entered)?;
    }
    if globals.version {
        say(&format!("{}\n", system::version_line()));
        return Err(Stop::Exit(0));
    }
    call.dirs = Dirs::resolve(globals.root, globals.run_root);
    call.insecure_registries = globals.insecure_registry;
    call.words = globals.command;
    Ok(())
}

fn unknown(first: &str, path: &str) -> Stop {
    if catalog::is_dockers(path) {
        return Stop::Failed(
            Failure::new(format!("command not supported yet: rbox {path}"))
                .hint("'rbox --help' lists the commands that are"),
        );
    }
    let usage = if first == path {
        "Run 'rbox --help' for more information".to_owned()
    } else {
        format!("Usage:  rbox {first}\n\nRun 'rbox {first} --help' for more information")
    };
    // Within a group it is the command alone that is misspelt.
    let (before, typed) = path.rsplit_once(' ').unwrap_or(("", path));
    let known = catalog::listed(catalog::group(before)).into_iter();
    let hint = spelling::nearest(typed, known.map(|(name, _)| name))
        .map(|near| {
            let meant = format!("{before} {near}");
            format!("hint: did you mean 'rbox {}'?\n", meant.trim_start())
        })
        .unwrap_or_default();
    error::print_plain(&format!(
        "rbox: unknown command: rbox {path}\n{hint}\n{usage}"
    ));
    Stop::Exit(1)
}
