//! Values as block YAML, in the style of Go's encoder with an indentation of two.

use serde_json::Value;

use crate::file::scalar::{self, Kind};

/// Writes a document.
pub fn write(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(fields) if !fields.is_empty() => mapping(&mut out, fields, 0, false),
        Value::Array(items) if !items.is_empty() => sequence(&mut out, items, 0, false),
        _ => inline(&mut out, value, 0),
    }
    out
}

fn indent(out: &mut String, depth: usize) {
    out.extend(std::iter::repeat_n("  ", depth));
}

/// Keys one a line; the first one goes on where the line is.
fn mapping(
    out: &mut String,
    fields: &serde_json::Map<String, Value>,
    depth: usize,
    mut goes_on: bool,
) {
    for (key, value) in fields {
        if !goes_on {
            indent(out, depth);
        }
        goes_on = false;
        out.push_str(&quoted(key));
        out.push(':');
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                out.push('\n');
                mapping(out, fields, depth + 1, false);
            }
            Value::Array(items) if !items.is_empty() => {
                out.push('\n');
                sequence(out, items, depth + 1, false);
            }
            _ => {
                out.push(' ');
                inline(out, value, depth + 1);
            }
        }
    }
}

/// Items one a line; the first one goes on where the line is.
fn sequence(out: &mut String, items: &[Value], depth: usize, mut goes_on: bool) {
    for item in items {
        if !goes_on {
            indent(out, depth);
        }
        goes_on = false;
        out.push_str("- ");
        match item {
            Value::Object(fields) if !fields.is_empty() => mapping(out, fields, depth + 1, true),
            Value::Array(items) if !items.is_empty() => sequence(out, items, depth + 1, true),
            _ => inline(out, item, depth + 1),
        }
    }
}

/// What fits on the line, or is a block below it.
fn inline(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::String(text) if is_block(text) => return block(out, text, depth),
        Value::String(text) => out.push_str(&quoted(text)),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
        other => out.push_str(&other.to_string()),
    }
    out.push('\n');
}

/// Several lines that read as themselves.
fn is_block(text: &str) -> bool {
    text.trim_end_matches('\n').contains('\n')
        && !text.starts_with([' ', '\n', '\t'])
        && text.chars().all(|c| c == '\n' || c == '\t' || is_plain(c))
}

fn block(out: &mut String, text: &str, depth: usize) {
    let body = text.trim_end_matches('\n');
    let ends = text.len() - body.len();
    out.push_str(match ends {
        0 => "|-\n",
        1 => "|\n",
        _ => "|+\n",
    });
    for line in body.split('\n') {
        if !line.is_empty() {
            indent(out, depth);
            out.push_str(line);
        }
        out.push('\n');
    }
    out.extend(std::iter::repeat_n('\n', ends.saturating_sub(1)));
}

/// A character that YAML can show.
fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

/// A text on one line, in quotes where it would be something else without.
fn quoted(text: &str) -> String {
    if !text.chars().all(is_plain) {
        return escaped(text);
    }
    if text.is_empty() || reads_otherwise(text) {
        return format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    }
    let mut characters = text.chars();
    let first = characters.next().unwrap_or(' ');
    let second = characters.next();
    let begins = match first {
        '-' | '?' | ':' => second.is_none_or(|c| c == ' '),
        c => ",[]{}#&*!|>'\"%@` ".contains(c),
    };
    let marks = text.starts_with("---") || text.starts_with("...") || text == "=";
    let inside = text.contains(": ") || text.contains(" #") || text.ends_with([':', ' ']);
    if begins || marks || inside {
        return format!("'{}'", text.replace('\'', "''"));
    }
    text.to_owned()
}

/// Whether YAML 1.2 or 1.1 takes a plain text for a number, truth value, date or nothing.
fn reads_otherwise(text: &str) -> bool {
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    let digits = |c: char| c.is_ascii_digit() || "+-.:_TtZz eExXoO".contains(c);
    scalar::kind(text) != Kind::Text
        || scalar::boolean(text).is_some()
        || text == "<<"
        || text.trim_start_matches(['+', '-']).eq_ignore_ascii_case(".inf")
        || text.eq_ignore_ascii_case(".nan")
        // Dates, and numbers to the base of 60 as 22:22.
        || (numeric
            && text.chars().all(digits)
            && text.contains([':', '-', '_'])
            && text.contains(|c: char| c.is_ascii_digit()))
}

fn escaped(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_plain(c) => out.push(c),
            c if (c as u32) < 0x100 => out.push_str(&format!("\\x{:02X}", c as u32)),
            c if (c as u32) < 0x1_0000 => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push_str(&format!("\\U{:08X}", c as u32)),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::file::render::raw;

    fn read(text: &str) -> Value {
        raw(&crate::file::yaml::documents(text, &"x".into()).unwrap()[0])
    }

    #[test]
    fn blocks_are_indented_by_two() {
        let value = json!({
            "a": {"b": null, "c": [], "d": {}},
            "list": [{"x": 1, "z": "2"}, "z", ["l", "m"], []],
            "text": "one\n\n  two\n",
        });
        let text = "\
a:
  b: null
  c: []
  d: {}
list:
  - x: 1
    z: \"2\"
  - z
  - - l
    - m
  - []
text: |
  one

    two
";
        assert_eq!(write(&value), text);
        assert_eq!(read(text), value);
    }

    #[test]
    fn texts_are_quoted_where_they_must_be() {
        for (text, expected) in [
            ("alpine:3.20", "alpine:3.20"),
            ("", "\"\""),
            ("8080", "\"8080\""),
            ("1.5", "\"1.5\""),
            ("true", "\"true\""),
            ("yes", "\"yes\""),
            ("null", "\"null\""),
            ("~", "\"~\""),
            ("22:22", "\"22:22\""),
            ("2001-01-01", "\"2001-01-01\""),
            ("0x1f", "\"0x1f\""),
            ("a: b", "'a: b'"),
            ("a:b", "a:b"),
            ("a:", "'a:'"),
            ("a #b", "'a #b'"),
            ("a#b", "a#b"),
            ("-", "'-'"),
            ("- a", "'- a'"),
            ("-a", "-a"),
            ("*", "'*'"),
            ("it's", "it's"),
            ("'quoted'", "'''quoted'''"),
            ("[a", "'[a'"),
            ("%a", "'%a'"),
            (" a", "' a'"),
            ("a ", "'a '"),
            ("tab\there", "\"tab\\there\""),
            ("line\n", "\"line\\n\""),
            ("\u{1}\u{2028}", "\"\\x01\\u2028\""),
            ("---", "'---'"),
            ("é…😀", "é…😀"),
            ("10.0.0.0/8", "10.0.0.0/8"),
        ] {
            assert_eq!(quoted(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_written_reads_as_it_was() {
        for text in [
            "",
            " ",
            "\n",
            "a\n",
            "a\n\n",
            "a\nb",
            "a\nb\n\n\n",
            "\na\nb",
            " a\nb",
            "a\n b\n",
            "a\n\n\nb",
            "\ta\nb",
            "a\tb\nc",
            "a \nb ",
            "#",
            "a\n#b\n",
            "---\na",
            "a\r\nb",
            "\u{85}",
            "\u{feff}",
            "\\",
            "\"",
            "'",
            "''",
            "a'b\"c",
            "? a",
            "?",
            ":",
            ": a",
            "::",
            "-1",
            "+",
            ".",
            "..",
            "...",
            "... a",
            "--- a",
            "0o7",
            "!!str",
            "!a",
            "&a",
            "*a",
            "|",
            ">",
            "@",
            "`",
            "{a}",
            "a, b",
            "a]",
            "<<",
            "=",
            "null",
            "Null",
            "NaN",
            ".nan",
            ".INF",
            "1_0",
            "1e3",
            "off",
            "0b1",
            "190:20:30",
            "2002-12-14",
            "x\u{0}y",
            "\u{7f}",
            "\u{10ffff}",
            "- - a",
        ] {
            let value = json!({"k": text, text: [text, {"n": text}]});
            assert_eq!(read(&write(&value)), value, "{text:?}");
        }
    }
}
