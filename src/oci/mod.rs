//! runc's command line over rbox's runtime: `rbox-runtime` by argv[0], or
//! `rbox oci`. Docker, containerd and Podman drive it.
//!
//! ```text
//! words ──globals──▶ Globals ──catalogue──▶ Command ──flags──▶ Call ──▶ rbox_runtime::lifecycle
//!                                               │ create, run, exec: go on in the protected binary
//! failure ──▶ one line on stderr, one in --log ─┘
//! ```
//!
//! A start is to cost nothing that it need not: tables instead of a parser that
//! is built, no thread, and nothing of rbox's own engine or state is opened.

mod bundle;
mod call;
mod command;
mod console;
mod container_state;
mod create;
mod delete;
mod events;
mod exec;
mod exec_process;
mod features;
mod flags;
mod foreground;
mod globals;
mod help;
mod kill;
mod launch;
mod list;
mod log;
mod pause;
mod ps;
mod relay;
mod resources;
mod run;
mod spec;
mod start;
mod state;
mod stats;
mod update;

use std::ffi::OsString;
use std::process::ExitCode;

use rbox_runtime::lifecycle::OCI_VERSION;

use call::Call;
use globals::Globals;
use log::Log;

use crate::engine::failure::Failure;
use crate::engine::spawn;
use crate::output::stdout::say;

/// argv[0] of the runtime, and what its messages call it.
pub const NAME: &str = "rbox-runtime";

/// Runs the command line that follows argv[0].
pub fn main(words: Vec<OsString>) -> ExitCode {
    let words: Result<Vec<String>, OsString> =
        words.into_iter().map(OsString::into_string).collect();
    ExitCode::from(match words {
        Ok(words) => run(&words),
        Err(word) => report(
            &Log::default(),
            &Failure::new(format!("argument is not valid UTF-8: {word:?}")),
        ),
    })
}

/// Runs the command line that follows the runtime's name; its exit code.
pub fn run(words: &[String]) -> u8 {
    let parsed = match flags::parse(globals::FLAGS, words, false) {
        Ok(parsed) => parsed,
        Err(error) => return report(&Log::default(), &Failure::new(error.to_string())),
    };
    let (path, format, debug) = globals::log(&parsed);
    // Opened only when there is something to say, or when the command runs.
    let open = || Log::open(path, format, debug);
    let failed = |failure: Failure| match open() {
        Ok(log) => report(&log, &failure),
        Err(no_log) => report(&Log::default(), &no_log),
    };
    let globals = match Globals::new(&parsed) {
        Ok(globals) => globals,
        Err(failure) => return failed(failure),
    };
    if globals.version {
        say(&version());
        return 0;
    }
    let call = match parsed.arguments.split_first() {
        Some((name, words)) if !parsed.help && name != "help" && name != "h" => {
            Call::parse(globals, name, words)
        }
        // `help`, `help run`.
        Some((_, words)) if !parsed.help && !words.is_empty() => {
            command::find(&words[0]).map(|command| {
                say(&help::command(command));
                None
            })
        }
        _ => {
            say(&help::overview());
            Ok(None)
        }
    };
    let mut call = match call {
        Ok(Some(call)) => call,
        Ok(None) => return 0,
        Err(failure) => return failed(failure),
    };
    // Before anything is opened: what executes itself anew takes nothing along.
    if call.command.protected
        && let Err(failure) = spawn::protect()
    {
        return failed(failure);
    }
    call.log = match open() {
        Ok(log) => log,
        Err(failure) => return report(&Log::default(), &failure),
    };
    match (call.command.run)(&call) {
        Ok(code) => code,
        Err(failure) => {
            let message = format!("{}{failure}", call.command.failure);
            report(&call.log, &Failure::new(message).code(call.command.code))
        }
    }
}

/// Tells why the command failed, once; the exit code.
fn report(log: &Log, failure: &Failure) -> u8 {
    log.error(&failure.message);
    failure.code.unwrap_or(1)
}

/// The lines that docker and podman read the version from.
fn version() -> String {
    format!(
        "{NAME} version {}\nspec: {OCI_VERSION}\n",
        env!("CARGO_PKG_VERSION")
    )
}
