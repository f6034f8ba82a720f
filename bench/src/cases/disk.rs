//! Samples of commands that write much.
//!
//! What one contender wrote must not be written back to the disk at the cost of the next one: the
//! disk is quiet before each sample. Whether a command waits for its own writes is its own choice,
//! and then part of its time.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::engine::CommandLine;
use crate::measure::{Entrant, milliseconds};

/// As [`Entrant::commands`] of one command, on the disk that `directory` is on. What it says is
/// read, and thrown away.
pub fn writing<'a>(
    name: impl Into<String>,
    directory: &'a Path,
    command: CommandLine,
    afterwards: Vec<CommandLine>,
) -> Entrant<'a> {
    Entrant::new(name, move || {
        settle(directory)?;
        let began = Instant::now();
        command.output()?;
        let time = milliseconds(began.elapsed());
        for command in &afterwards {
            command.output()?;
        }
        Ok(time)
    })
}

/// Waits until all that was written is on the disk.
fn settle(directory: &Path) -> Result<()> {
    let write = || rustix::fs::syncfs(File::open(directory)?).map_err(std::io::Error::from);
    write().with_context(|| format!("sync the disk of {}", directory.display()))
}
