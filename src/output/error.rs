//! Failures on stderr: `rbox: MESSAGE`, then what to do about it.

use std::io::{self, Write};

use crate::engine::failure::Failure;

/// One failure, once.
pub fn print(failure: &Failure) {
    emit(&text(failure));
}

/// A failure of `run` and `create`, which point to their help.
pub fn print_with_help(failure: &Failure, command: &str) {
    emit(&format!(
        "{}\nRun '{command} --help' for more information\n",
        text(failure)
    ));
}

/// Something that the user should know although nothing failed.
pub fn warn(notice: &Failure) {
    emit(&text(notice).replacen("rbox: ", "WARNING: ", 1));
}

/// A message that is not a failure of rbox's own (flag errors, warnings).
pub fn print_plain(message: &str) {
    emit(&format!("{message}\n"));
}

/// Text as it is.
pub fn print_raw(text: &str) {
    emit(text);
}

fn text(failure: &Failure) -> String {
    let mut text = format!("rbox: {}\n", failure.message);
    if let Some(hint) = &failure.hint {
        text.push_str(&format!("hint: {hint}\n"));
    }
    text
}

fn emit(text: &str) {
    // Nowhere to report that stderr is closed.
    let _ = io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::engine::failure::Failure;

    #[test]
    fn a_hint_follows_on_its_own_line() {
        assert_eq!(
            text(&Failure::new("No such container: x")),
            "rbox: No such container: x\n"
        );
        assert_eq!(
            text(&Failure::new("no image").hint("import one")),
            "rbox: no image\nhint: import one\n"
        );
    }
}
