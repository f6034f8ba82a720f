//! rbox: containers with Docker's commands and their own networking.

mod cli;
mod compose;
mod engine;
mod monitor;
mod oci;
mod output;
mod spelling;

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    let name = if words.is_empty() {
        OsString::new()
    } else {
        words.remove(0)
    };
    // The same binary plays these parts under other names.
    match name
        .to_str()
        .map(|name| name.rsplit('/').next().unwrap_or(name))
    {
        Some(engine::spawn::MONITOR) => monitor::main(&words),
        Some(engine::terminal::GUARD) => engine::terminal::guard(),
        Some(monitor::init::INIT) => monitor::init::main(&words),
        Some(oci::NAME) => oci::main(words),
        _ => cli::main(words),
    }
}
