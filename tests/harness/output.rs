//! What a command printed and how it ended.

use std::process;

/// Result of a finished command.
#[derive(Debug, Clone)]
pub struct Output {
    /// The command line, for messages.
    pub command: String,
    /// Exit code; 128 and the signal where one ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    pub fn new(command: String, output: process::Output) -> Output {
        use std::os::unix::process::ExitStatusExt;
        let status = output.status;
        Output {
            command,
            code: status
                .code()
                .unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Standard output without the last end of line; panics if it failed.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{} failed: {self:#?}", self.command);
        self.stdout.trim_end_matches('\n').to_owned()
    }

    /// Standard error; panics unless it ended with this code.
    #[track_caller]
    pub fn fails(self, code: i32) -> String {
        assert_eq!(self.code, code, "{} ended wrongly: {self:#?}", self.command);
        self.stderr.trim_end_matches('\n').to_owned()
    }
}
