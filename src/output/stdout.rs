//! Results on standard output.

use std::io::{self, Write};

/// Writes a result. A reader that went away ends the program, as SIGPIPE would.
pub fn say(text: &str) {
    say_bytes(text.as_bytes());
}

/// The same for bytes.
pub fn say_bytes(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
        std::process::exit(BROKEN_PIPE);
    }
}

/// 128 + SIGPIPE.
const BROKEN_PIPE: i32 = 141;
