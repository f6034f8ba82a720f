//! `rbox compose`: a file a command, like those of containers.
//!
//! ```text
//! words ─▶ Globals ─▶ Settings ─┐
//!       └▶ command's structure ─┴▶ Session { engine, project } ─▶ Composer ─▶ output/compose
//! ```

pub mod attach;
pub mod build;
pub mod commit;
pub mod config;
pub mod cp;
pub mod create;
pub mod down;
pub mod events;
pub mod exec;
pub mod export;
mod follow;
mod herald;
pub mod images;
mod interrupt;
pub mod kill;
mod layout;
pub mod logs;
pub mod ls;
mod making;
pub mod pause;
pub mod port;
pub mod ps;
mod ps_row;
pub mod pull;
pub mod push;
pub mod restart;
pub mod rm;
pub mod run;
pub mod scale;
mod session;
mod settings;
pub mod start;
pub mod stats;
pub mod stop;
pub mod top;
pub mod unpause;
pub mod up;
mod up_attached;
pub mod version;
pub mod volumes;
pub mod wait;

pub use session::load_options;
pub use settings::Settings;

use super::call::{Arity, Call, Spec, say};
use super::catalog;
use super::stop::{Outcome, Stop};
use crate::engine::failure::Failure;
use crate::output::error;
use crate::spelling;

/// The name of the group.
pub const NAME: &str = "compose";

/// `compose` itself, for errors about flags before its command.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] COMMAND",
    about: "Define and run multi-container applications",
    arity: Arity::AtLeast(0),
    interspersed: false,
    run: |_| Ok(0),
    flags: settings::command,
    ..Spec::EMPTY
};

/// Commands of Docker Compose that rbox has not, and why.
const REFUSED: &[(&str, &str)] = &[
    ("alpha", "they are Docker's experiments"),
    (
        "bridge",
        "there is no Kubernetes or Docker Model Runner here",
    ),
    ("publish", "compose files are not put into registries"),
    ("watch", "run `rbox compose up --build -d` after a change"),
];

/// Whether Docker Compose has a command of that name that rbox refuses.
#[cfg(test)]
pub fn is_refused(name: &str) -> bool {
    REFUSED.iter().any(|(refused, _)| *refused == name)
}

/// Runs the command that follows `compose`.
pub fn dispatch(call: &mut Call, words: &[String]) -> Outcome {
    NAME.clone_into(&mut call.path);
    call.spec = &SPEC;
    call.words = words.to_vec();
    settings::take(call)?;
    let words = std::mem::take(&mut call.words);
    let Some(first) = words.first() else {
        error::print_plain(help().trim_end());
        return Ok(0);
    };
    if first == "help" {
        call.words = words[1..].to_vec();
        let Some(command) = call.words.first().cloned() else {
            say(&help());
            return Ok(0);
        };
        return dispatch(call, &[command, "--help".to_owned()]);
    }
    let path = format!("{NAME} {first}");
    let Some(spec) = catalog::find(&path) else {
        return Err(unknown(first));
    };
    call.path = path;
    call.spec = spec;
    call.words = words[1..].to_vec();
    (spec.run)(call)
}

/// `rbox compose --help`.
pub fn help() -> String {
    catalog::group(NAME).map_or_else(String::new, |group| {
        catalog::group_help(group).replacen("COMMAND\n", &format!("{}\n", SPEC.usage), 1)
            + &format!("\nOptions:\n{}", super::help::options(&settings::command()))
    })
}

fn unknown(first: &str) -> Stop {
    if let Some((_, why)) = REFUSED.iter().find(|(name, _)| *name == first) {
        let failure = Failure::new(format!("command not supported: rbox {NAME} {first}"));
        return Stop::Failed(failure.hint(*why));
    }
    let commands = catalog::listed(catalog::group(NAME)).into_iter();
    let hint = spelling::nearest(first, commands.map(|(name, _)| name))
        .map(|near| format!("hint: did you mean 'rbox {NAME} {near}'?\n"))
        .unwrap_or_default();
    error::print_plain(&format!(
        "rbox: unknown command: rbox {NAME} {first}\n{hint}\nUsage:  rbox {NAME} {}\n\nRun 'rbox {NAME} \
         --help' for more information",
        SPEC.usage
    ));
    Stop::Exit(1)
}
