//! Numbers and truth values as Docker's command line reads them, with the
//! exact error texts that its users know.

/// Why a text is not the number or truth value it should be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StrconvError {
    /// Not made of what such a value is made of.
    #[error("strconv.{function}: parsing {}: invalid syntax", quote(text))]
    Syntax {
        /// The parser that Docker names in the text.
        function: &'static str,
        /// The offending text.
        text: String,
    },
    /// A number, but too large or too small.
    #[error("strconv.{function}: parsing {}: value out of range", quote(text))]
    Range {
        /// The parser that Docker names in the text.
        function: &'static str,
        /// The offending text.
        text: String,
    },
}

/// Double quotes and backslash escapes around `text`.
pub fn quote(text: &str) -> String {
    format!("{text:?}")
}

fn syntax(function: &'static str, text: &str) -> StrconvError {
    StrconvError::Syntax {
        function,
        text: text.to_owned(),
    }
}

fn range(function: &'static str, text: &str) -> StrconvError {
    StrconvError::Range {
        function,
        text: text.to_owned(),
    }
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A port number, 0 to 65535, decimal, no sign.
pub fn parse_port(text: &str) -> Result<u16, StrconvError> {
    if !all_digits(text) {
        return Err(syntax("ParseUint", text));
    }
    text.parse().map_err(|_| range("ParseUint", text))
}

/// A signed decimal number.
pub fn parse_integer(text: &str) -> Result<i64, StrconvError> {
    if !all_digits(text.strip_prefix(['+', '-']).unwrap_or(text)) {
        return Err(syntax("Atoi", text));
    }
    text.parse().map_err(|_| range("Atoi", text))
}

/// `1 t T true True TRUE` and their opposites.
pub fn parse_bool(text: &str) -> Result<bool, StrconvError> {
    match text {
        "1" | "t" | "T" | "true" | "True" | "TRUE" => Ok(true),
        "0" | "f" | "F" | "false" | "False" | "FALSE" => Ok(false),
        _ => Err(syntax("ParseBool", text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_refused_with_the_known_texts() {
        assert_eq!(parse_port("8080"), Ok(8080));
        assert_eq!(parse_port("0"), Ok(0));
        for (text, error) in [
            (
                "bogus",
                "strconv.ParseUint: parsing \"bogus\": invalid syntax",
            ),
            ("", "strconv.ParseUint: parsing \"\": invalid syntax"),
            ("+1", "strconv.ParseUint: parsing \"+1\": invalid syntax"),
            (
                "65536",
                "strconv.ParseUint: parsing \"65536\": value out of range",
            ),
        ] {
            assert_eq!(parse_port(text).unwrap_err().to_string(), error);
        }
        assert_eq!(parse_integer("-1"), Ok(-1));
        assert_eq!(parse_integer("+7"), Ok(7));
        assert_eq!(
            parse_integer("abc").unwrap_err().to_string(),
            "strconv.Atoi: parsing \"abc\": invalid syntax"
        );
        assert_eq!(
            parse_integer("99999999999999999999")
                .unwrap_err()
                .to_string(),
            "strconv.Atoi: parsing \"99999999999999999999\": value out of range"
        );
    }

    #[test]
    fn truth_values_have_twelve_spellings() {
        for text in ["1", "t", "T", "true", "True", "TRUE"] {
            assert_eq!(parse_bool(text), Ok(true));
        }
        for text in ["0", "f", "F", "false", "False", "FALSE"] {
            assert_eq!(parse_bool(text), Ok(false));
        }
        assert_eq!(
            parse_bool("maybe").unwrap_err().to_string(),
            "strconv.ParseBool: parsing \"maybe\": invalid syntax"
        );
    }
}
