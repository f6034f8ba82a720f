//! `--trace-timing`: where the time of a command went.

use std::time::Duration;

use super::stop::Stop;
use crate::output::{error, timing};

/// How long the monitor may be at it after the command is done.
const PATIENCE: Duration = Duration::from_secs(2);

/// Starts the trace of a command whose `main` began at `entered`.
pub fn begin(entered: Duration) -> Result<(), Stop> {
    rbox_timing::begin().map_err(|error| Stop::failed(format!("begin a trace: {error}")))?;
    rbox_timing::mark_at(entered, "main");
    Ok(())
}

/// Prints what was traced, if anything was.
pub fn report() {
    rbox_timing::mark(timing::DONE);
    if let Some(trace) = rbox_timing::finish(PATIENCE) {
        error::print_raw(&timing::table(&trace));
    }
}
