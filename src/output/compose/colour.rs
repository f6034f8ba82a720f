//! When there are colours, and which.

use std::io::IsTerminal;

/// `--ansi`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ansi {
    /// On terminals, unless NO_COLOR says otherwise.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

impl Ansi {
    /// Whether this stream has colours; <https://no-color.org>.
    pub fn on(self, stream: &impl IsTerminal) -> bool {
        match self {
            Ansi::Always => true,
            Ansi::Never => false,
            Ansi::Auto => {
                let no = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                stream.is_terminal() && !no
            }
        }
    }
}

/// Ends a colour (ECMA-48, 8.3.117).
pub const PLAIN: &str = "\x1b[0m";
/// What works on.
pub const BLUE: &str = "\x1b[34m";
/// What is done.
pub const GREEN: &str = "\x1b[32m";
/// What is not as asked.
pub const YELLOW: &str = "\x1b[33m";
/// What failed.
pub const RED: &str = "\x1b[31m";

/// Colours of containers' names, one after the other: none of them means good or bad.
pub const NAMES: [&str; 10] = [
    "\x1b[36m", "\x1b[33m", "\x1b[32m", "\x1b[35m", "\x1b[34m", "\x1b[96m", "\x1b[93m", "\x1b[92m",
    "\x1b[95m", "\x1b[94m",
];
