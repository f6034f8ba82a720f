//! What a registry says when it refuses: the body of an error answer (distribution
//! specification, "Error Codes"). The text is hostile.

use std::fmt;

use serde::Deserialize;

/// The most that is read of an error's body, bytes.
pub(super) const LIMIT: u64 = 64 * 1024;
/// The most of it that a user is shown, characters.
const SHOWN: usize = 400;
/// The most errors of one answer that a user is shown.
const MOST: usize = 5;

/// The errors of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusal {
    errors: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    errors: Option<Vec<OneError>>,
    // Services that give tokens have one of these instead.
    #[serde(default)]
    details: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    error_description: Option<String>,
}

#[derive(Deserialize)]
struct OneError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: Option<String>,
}

impl Refusal {
    /// From an answer's body; nothing where it is no JSON of a registry.
    pub(super) fn parse(body: &[u8]) -> Refusal {
        let Ok(body) = serde_json::from_slice::<Body>(body) else {
            return Refusal::default();
        };
        let mut errors: Vec<(String, String)> = body
            .errors
            .into_iter()
            .flatten()
            .take(MOST)
            .map(|error| {
                let code = plain(&error.code);
                let message = error.message.map_or_else(String::new, |text| plain(&text));
                (code, message)
            })
            .collect();
        if errors.is_empty()
            && let Some(text) = body.error_description.or(body.details).or(body.error)
        {
            errors.push(("UNAUTHORIZED".to_owned(), plain(&text)));
        }
        Refusal { errors }
    }

    /// One that the answer leaves unsaid.
    pub(super) fn or(self, code: &str, message: &str) -> Refusal {
        if self.is_empty() {
            Refusal::of(code, message)
        } else {
            self
        }
    }

    pub(super) fn of(code: &str, message: &str) -> Refusal {
        Refusal {
            errors: vec![(code.to_owned(), message.to_owned())],
        }
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// Whether a code of the specification, such as `NAME_UNKNOWN`, was given.
    pub fn has(&self, code: &str) -> bool {
        self.errors.iter().any(|(other, _)| other == code)
    }
}

/// As Docker writes it: `manifest unknown: manifest unknown`.
impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (code, message)) in self.errors.iter().enumerate() {
            if index > 0 {
                out.write_str("; ")?;
            }
            let code = code.to_lowercase().replace('_', " ");
            if message.is_empty() {
                out.write_str(&code)?;
            } else {
                write!(out, "{code}: {message}")?;
            }
        }
        Ok(())
    }
}

/// Without what a terminal would obey.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .take(SHOWN)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_read_as_docker_writes_them() {
        let body = br#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown",
            "detail":{"Tag":"x"}}]}"#;
        assert_eq!(
            Refusal::parse(body).to_string(),
            "manifest unknown: manifest unknown"
        );
        let body = br#"{"details":"incorrect username or password"}"#;
        assert_eq!(
            Refusal::parse(body).to_string(),
            "unauthorized: incorrect username or password"
        );
        assert!(Refusal::parse(b"<html>").is_empty());
        assert!(Refusal::parse(b"{}").is_empty());
    }

    #[test]
    fn nothing_in_them_reaches_the_terminal_as_control() {
        let body = br#"{"errors":[{"code":"A","message":"\u001b[2Jx\n"}]}"#;
        assert_eq!(Refusal::parse(body).to_string(), "a: [2Jx");
    }
}
