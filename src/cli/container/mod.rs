//! Commands on containers.

pub mod attach;
pub mod commit;
pub mod cp;
pub mod create;
pub mod diff;
pub mod exec;
pub mod export;
mod filter;
mod flags;
pub mod image;
pub mod inspect;
pub mod kill;
pub mod logs;
pub mod pause;
pub mod port;
pub mod prune;
pub mod ps;
pub mod rename;
mod request;
pub mod restart;
pub mod rm;
pub mod row;
pub mod run;
pub mod start;
pub mod stats;
pub mod stop;
pub mod top;
pub mod unpause;
pub mod update;
pub mod wait;

use std::io::IsTerminal;

use super::stop::Stop;
use crate::engine::attach::AttachEnd;

/// A terminal cannot be had from a stdin that is none.
pub fn check_tty(stdin: bool, tty: bool) -> Result<(), Stop> {
    if stdin && tty && !std::io::stdin().is_terminal() {
        return Err(Stop::failed("the input device is not a TTY"));
    }
    Ok(())
}

/// The container's exit code as ours; `detached` is what detaching counts as.
pub fn exit_code(end: Option<AttachEnd>, detached: u8) -> u8 {
    match end {
        Some(AttachEnd::Exited(code)) => to_u8(code),
        Some(AttachEnd::Detached) => detached,
        None => 0,
    }
}

/// Exit codes are a byte.
pub fn to_u8(code: i32) -> u8 {
    u8::try_from(code & 0xff).unwrap_or(u8::MAX)
}
