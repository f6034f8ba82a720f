//! `--init`: a small first process that passes signals on and reaps orphans.
//! It is our own binary, mounted read-only at /sbin/docker-init.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};
use tokio::signal::unix::{Signal as Caught, SignalKind, signal};

/// argv[0] under which this runs.
pub const INIT: &str = "docker-init";

/// Signals passed on to the child: all that can be caught but SIGCHLD, faults
/// and the terminal's stop signals.
const PASSED: [i32; 16] = [1, 2, 3, 10, 12, 14, 15, 16, 18, 23, 24, 25, 26, 27, 28, 30];

/// Runs `[--] COMMAND [ARG...]` and ends with its exit code.
pub fn main(arguments: &[OsString]) -> ExitCode {
    let arguments = match arguments.split_first() {
        Some((first, rest)) if first == "--" => rest,
        _ => arguments,
    };
    let Some((program, rest)) = arguments.split_first() else {
        eprintln!("docker-init: no command");
        return ExitCode::from(127);
    };
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("docker-init: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(async {
        // Caught before the child exists, so that none is lost.
        let (Ok(mut ended), Ok(passed)) = (signal(SignalKind::child()), catch()) else {
            return ExitCode::FAILURE;
        };
        let child = match Command::new(program).args(rest).spawn() {
            Ok(child) => child,
            Err(error) => {
                let why = rbox_runtime::process::reason(&error);
                eprintln!(
                    "docker-init: exec {} failed: {why}",
                    program.to_string_lossy()
                );
                let missing = error.kind() == std::io::ErrorKind::NotFound;
                return ExitCode::from(if missing { 127 } else { 126 });
            }
        };
        let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
            return ExitCode::FAILURE;
        };
        for (number, mut caught) in passed {
            tokio::spawn(async move {
                while caught.recv().await.is_some() {
                    if let Some(number) = Signal::from_named_raw(number) {
                        let _ = kill_process(pid, number);
                    }
                }
            });
        }
        loop {
            if let Some(code) = reap(pid) {
                return ExitCode::from(code);
            }
            ended.recv().await;
        }
    })
}

fn catch() -> std::io::Result<Vec<(i32, Caught)>> {
    PASSED
        .iter()
        .map(|number| Ok((*number, signal(SignalKind::from_raw(*number))?)))
        .collect()
}

/// Reaps all that ended; the exit code if the child is among them.
fn reap(child: Pid) -> Option<u8> {
    let mut code = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == child {
            let number = status
                .exit_status()
                .unwrap_or_else(|| 128 + status.terminating_signal().unwrap_or(0));
            code = Some(u8::try_from(number).unwrap_or(u8::MAX));
        }
    }
    code
}
