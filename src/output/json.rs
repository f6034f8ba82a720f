//! JSON as Docker's commands print it.

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};

/// Indented by four blanks, as `inspect` does.
pub fn indented(value: &Value) -> String {
    let mut out = Vec::new();
    let mut serializer =
        Serializer::with_formatter(&mut out, PrettyFormatter::with_indent(b"    "));
    // Writing a Value to memory has no way to fail.
    let _ = value.serialize(&mut serializer);
    String::from_utf8_lossy(&out).into_owned()
}

/// In one line.
pub fn compact(value: &Value) -> String {
    value.to_string()
}

/// In one line, safe inside HTML, as Go's encoding/json does by default.
pub fn compact_html(value: &Value) -> String {
    let text = value.to_string();
    if !text.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{compact_html, indented};
    use serde_json::json;

    #[test]
    fn inspect_indents_by_four_and_keeps_empty_ones_closed() {
        assert_eq!(
            indented(&json!([{"Name": "x", "Args": [], "Labels": {}, "N": [1]}])),
            "[\n    {\n        \"Name\": \"x\",\n        \"Args\": [],\n        \"Labels\": {},\n        \"N\": [\n            1\n        ]\n    }\n]"
        );
    }

    #[test]
    fn listings_escape_for_html() {
        assert_eq!(
            compact_html(&json!({"Tag": "<none>"})),
            r#"{"Tag":"\u003cnone\u003e"}"#
        );
    }
}
