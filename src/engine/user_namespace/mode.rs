//! What `--userns` can say.

/// A parsed `--userns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing: as the engine is set up.
    Default,
    /// `host`.
    Host,
    /// `auto`, `auto:size=N`.
    Auto {
        /// How many ids.
        size: u32,
    },
    /// `keep-id`.
    KeepId,
}

/// A `--userns` that is refused: the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModeError(pub String);

/// Ids of a container that asks for no number: what its image may use, and
/// what fits the sixteen bits of old tools.
pub const SIZE: u32 = 65_536;

impl Mode {
    /// Reads the flag's value; Docker's text for what neither knows.
    pub fn parse(text: &str) -> Result<Mode, ModeError> {
        match text {
            "" => return Ok(Mode::Default),
            "host" => return Ok(Mode::Host),
            "keep-id" => return Ok(Mode::KeepId),
            "auto" => return Ok(Mode::Auto { size: SIZE }),
            _ => {}
        }
        if let Some(options) = text.strip_prefix("auto:") {
            return auto(options);
        }
        Err(ModeError("--userns: invalid USER mode".into()))
    }
}

fn auto(options: &str) -> Result<Mode, ModeError> {
    let mut size = None;
    for option in options.split(',') {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        if name != "size" {
            let text = format!("--userns: option \"{name}\" of auto is not supported, only size");
            return Err(ModeError(text));
        }
        let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        let number = value.parse().ok().filter(|number| digits && *number > 0);
        match number {
            Some(number) if size.is_none() => size = Some(number),
            _ => {
                return Err(ModeError(format!(
                    "--userns: invalid size of auto: {value}"
                )));
            }
        }
    }
    let size = size.unwrap_or(SIZE);
    Ok(Mode::Auto { size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_modes_and_the_size_are_read() {
        for (text, mode) in [
            ("", Mode::Default),
            ("host", Mode::Host),
            ("keep-id", Mode::KeepId),
            ("auto", Mode::Auto { size: 65_536 }),
            ("auto:size=1000", Mode::Auto { size: 1000 }),
        ] {
            assert_eq!(Mode::parse(text), Ok(mode), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        for (text, error) in [
            ("bogus", "--userns: invalid USER mode"),
            ("private", "--userns: invalid USER mode"),
            ("keep-id:uid=5", "--userns: invalid USER mode"),
            ("container:web", "--userns: invalid USER mode"),
            (
                "auto:uidmapping=0:1:2",
                "--userns: option \"uidmapping\" of auto is not supported, only size",
            ),
            (
                "auto:",
                "--userns: option \"\" of auto is not supported, only size",
            ),
            ("auto:size=0", "--userns: invalid size of auto: 0"),
            ("auto:size=+5", "--userns: invalid size of auto: +5"),
            (
                "auto:size=4294967296",
                "--userns: invalid size of auto: 4294967296",
            ),
            ("auto:size=1,size=2", "--userns: invalid size of auto: 2"),
        ] {
            assert_eq!(Mode::parse(text).unwrap_err().0, error, "{text}");
        }
    }
}
