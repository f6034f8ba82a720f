//! `--label key[=value]` and other `key=value` maps.

use super::Invalid;

/// Reads one label.
pub fn label(text: &str) -> Result<(String, String), Invalid> {
    let (key, value) = pair(text);
    let key = key.trim_start();
    if key.is_empty() {
        return Err(Invalid(format!("invalid label '{text}': empty name")));
    }
    if key.contains(char::is_whitespace) {
        return Err(Invalid(format!("label '{key}' contains whitespaces")));
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// Reads one entry of a map; without `=` the value is empty.
pub fn entry(text: &str) -> Result<(String, String), Invalid> {
    let (key, value) = pair(text);
    Ok((key.to_owned(), value.to_owned()))
}

fn pair(text: &str) -> (&str, &str) {
    text.split_once('=').unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn a_value_is_optional() {
        assert_eq!(label("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(label("c"), Ok(("c".into(), String::new())));
        assert_eq!(label("=x").unwrap_err().0, "invalid label '=x': empty name");
        assert_eq!(
            label("a b=x").unwrap_err().0,
            "label 'a b' contains whitespaces"
        );
    }
}
