//! The functions a template can call: Go's own and Docker's.

use std::cmp::Ordering;

use serde_json::Value;

use super::{access, escape, printf};
use crate::output::{go_text, json};

/// Why a call failed.
pub enum CallError {
    /// Wrong number of arguments.
    Count(String),
    /// The function's own error.
    Failed(String),
}

/// Name, fewest and most arguments.
const FUNCTIONS: &[(&str, usize, usize)] = &[
    ("and", 1, usize::MAX),
    ("eq", 1, usize::MAX),
    ("ge", 2, 2),
    ("gt", 2, 2),
    ("html", 1, usize::MAX),
    ("index", 1, usize::MAX),
    ("join", 2, 2),
    ("js", 1, usize::MAX),
    ("json", 1, 1),
    ("le", 2, 2),
    ("len", 1, 1),
    ("lower", 1, 1),
    ("lt", 2, 2),
    ("ne", 2, 2),
    ("not", 1, 1),
    ("or", 1, usize::MAX),
    ("pad", 3, 3),
    ("print", 0, usize::MAX),
    ("printf", 1, usize::MAX),
    ("println", 0, usize::MAX),
    ("slice", 1, 4),
    ("split", 2, 2),
    ("title", 1, 1),
    ("truncate", 2, 2),
    ("upper", 1, 1),
    ("urlquery", 1, usize::MAX),
];

/// Whether there is a function of that name.
pub fn exists(name: &str) -> bool {
    FUNCTIONS.iter().any(|(known, ..)| *known == name)
}

/// Go's idea of a value that counts as true.
pub fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// Calls a function. `header`: formatting functions return their argument;
/// `html`: `json` escapes, as it does for listings.
pub fn call(name: &str, arguments: &[Value], header: bool, html: bool) -> Result<Value, CallError> {
    if let Some(&(_, least, most)) = FUNCTIONS.iter().find(|(known, ..)| *known == name)
        && !(least..=most).contains(&arguments.len())
    {
        let at_least = if most == usize::MAX { "at least " } else { "" };
        return Err(CallError::Count(format!(
            "wrong number of args for {name}: want {at_least}{least} got {}",
            arguments.len()
        )));
    }
    if header
        && matches!(
            name,
            "json" | "lower" | "upper" | "title" | "split" | "join" | "truncate" | "pad"
        )
        && let Some(first) = arguments.first()
    {
        return Ok(first.clone());
    }
    evaluate(name, arguments, html).map_err(CallError::Failed)
}

fn evaluate(name: &str, arguments: &[Value], html: bool) -> Result<Value, String> {
    let text = |value: String| Ok(Value::from(value));
    match (name, arguments) {
        ("eq", [_]) => Err("missing argument for comparison".into()),
        ("eq", [first, rest @ ..]) => {
            for other in rest {
                if equal(first, other)? {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        ("ne", [a, b]) => Ok(Value::Bool(!equal(a, b)?)),
        ("lt", [a, b]) => Ok(Value::Bool(order(a, b)? == Ordering::Less)),
        ("le", [a, b]) => Ok(Value::Bool(order(a, b)? != Ordering::Greater)),
        ("gt", [a, b]) => Ok(Value::Bool(order(a, b)? == Ordering::Greater)),
        ("ge", [a, b]) => Ok(Value::Bool(order(a, b)? != Ordering::Less)),
        ("not", [value]) => Ok(Value::Bool(!truth(value))),
        ("index", [value, keys @ ..]) => keys
            .iter()
            .try_fold(value.clone(), |value, key| access::index(&value, key)),
        ("slice", [value, bounds @ ..]) => access::slice(value, bounds),
        ("len", [value]) => match value {
            Value::String(text) => Ok(Value::from(text.len())),
            Value::Array(items) => Ok(Value::from(items.len())),
            Value::Object(fields) => Ok(Value::from(fields.len())),
            Value::Null => Err("len of nil pointer".into()),
            other => Err(format!("len of type {}", go_text::type_name(other))),
        },
        ("json", [value]) if html => text(json::compact_html(value)),
        ("json", [value]) => text(json::compact(value)),
        ("lower", [value]) => text(string(value)?.to_lowercase()),
        ("upper", [value]) => text(string(value)?.to_uppercase()),
        ("title", [value]) => text(title(string(value)?)),
        ("join", [value, separator]) => {
            let separator = string(separator)?;
            match value {
                Value::Array(items) => {
                    let items: Vec<String> = items.iter().map(go_text::value).collect();
                    text(items.join(separator))
                }
                Value::Null => text(String::new()),
                other => Err(wrong_type("[]string", other)),
            }
        }
        ("split", [value, separator]) => {
            let (value, separator) = (string(value)?, string(separator)?);
            Ok(if separator.is_empty() {
                value.chars().map(|c| Value::from(c.to_string())).collect()
            } else {
                value.split(separator).map(Value::from).collect()
            })
        }
        ("pad", [value, before, after]) => {
            let (value, before, after) = (string(value)?, count(before)?, count(after)?);
            if value.is_empty() {
                return text(String::new());
            }
            text(format!(
                "{}{value}{}",
                " ".repeat(before),
                " ".repeat(after)
            ))
        }
        ("truncate", [value, length]) => {
            let (value, length) = (string(value)?, count(length)?);
            let end = (0..=length.min(value.len()))
                .rev()
                .find(|&end| value.is_char_boundary(end));
            text(value[..end.unwrap_or_default()].to_owned())
        }
        ("print", values) => text(printf::print(values)),
        ("println", values) => text(printf::println(values)),
        ("printf", [format, values @ ..]) => text(printf::printf(string(format)?, values)),
        ("html", values) => text(escape::html(&printf::print(values))),
        ("js", values) => text(escape::js(&printf::print(values))),
        ("urlquery", values) => text(escape::query(&printf::print(values))),
        _ => Err(format!("function {} not defined", go_text::quote(name))),
    }
}

fn string(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| wrong_type("string", value))
}

fn count(value: &Value) -> Result<usize, String> {
    value
        .as_u64()
        .and_then(|count| usize::try_from(count).ok())
        .filter(|&count| count < 1 << 20)
        .ok_or_else(|| wrong_type("int", value))
}

fn wrong_type(expected: &str, value: &Value) -> String {
    format!(
        "wrong type for value; expected {expected}; got {}",
        go_text::type_name(value)
    )
}

fn equal(a: &Value, b: &Value) -> Result<bool, String> {
    match (a, b) {
        (Value::Null, _) | (_, Value::Null) => Ok(a == b),
        (Value::Array(_) | Value::Object(_), _) | (_, Value::Array(_) | Value::Object(_)) => {
            Err("non-comparable type".into())
        }
        (Value::Number(a), Value::Number(b)) => Ok(a.as_f64() == b.as_f64()),
        (Value::String(a), Value::String(b)) => Ok(a == b),
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        _ => Err("incompatible types for comparison".into()),
    }
}

fn order(a: &Value, b: &Value) -> Result<Ordering, String> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => Ok(a
            .as_f64()
            .partial_cmp(&b.as_f64())
            .unwrap_or(Ordering::Equal)),
        (Value::String(a), Value::String(b)) => Ok(a.cmp(b)),
        (Value::Number(_), Value::String(_)) | (Value::String(_), Value::Number(_)) => {
            Err("incompatible types for comparison".into())
        }
        _ => Err("invalid type for comparison".into()),
    }
}

fn title(text: &str) -> String {
    let mut start = true;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if start {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        start = !(c.is_alphanumeric() || c == '_' || c == '\'');
    }
    out
}
