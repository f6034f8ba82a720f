//! Text as Go's strconv and fmt write it.

use serde_json::Value;

/// strconv.Quote: double quotes, Go's escapes, printable Unicode kept.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            c if c < ' ' || c == '\x7f' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Cut to `width` characters, the last one an ellipsis when something was cut.
pub fn ellipsis(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars()
        .take(width.saturating_sub(1))
        .chain(['…'])
        .collect()
}

/// fmt's `%v`: `map[a:b]` with sorted keys, `[a b]`, `<nil>`.
pub fn value(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(self::value).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| key.as_str());
            let fields: Vec<String> = fields
                .into_iter()
                .map(|(key, field)| format!("{key}:{}", self::value(field)))
                .collect();
            format!("map[{}]", fields.join(" "))
        }
    }
}

/// Go's name of the type that a JSON value decodes to.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

#[cfg(test)]
mod tests {
    use super::{ellipsis, quote, value};
    use serde_json::json;

    #[test]
    fn quotes_like_strconv() {
        assert_eq!(quote("sh -c 'trap \"exit 0…"), r#""sh -c 'trap \"exit 0…""#);
        assert_eq!(quote("a\tb\x01\\"), r#""a\tb\x01\\""#);
    }

    #[test]
    fn a_command_is_cut_to_twenty() {
        assert_eq!(
            ellipsis("sh -c 'while :; do echo a very long'", 20),
            "sh -c 'while :; do …"
        );
        assert_eq!(ellipsis("sleep 1000", 20), "sleep 1000");
    }

    #[test]
    fn values_print_like_fmt() {
        assert_eq!(
            value(&json!({"b": [1, "x y"], "a": null})),
            "map[a:<nil> b:[1 x y]]"
        );
    }
}
