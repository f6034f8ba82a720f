//! Tests of the compiler against a naive reading of the same profile (on
//! programs that are interpreted here), and of the profiles on the real kernel.

mod evaluate;
mod interpret;
mod kernel;
mod probes;
mod profiles;

/// Says that `test` cannot run here.
pub(super) fn skipped(test: &str, reason: &str) {
    let line = format!("SKIPPED {test}: {reason}");
    eprintln!("{line}");
    if let Some(file) = std::env::var_os("RBOX_SKIPS") {
        use std::io::Write;
        let file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(file);
        let _ = writeln!(file.unwrap(), "{line}");
    }
}
