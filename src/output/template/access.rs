//! Parts of lists, maps and texts: `index` and `slice`.

use serde_json::Value;

use crate::output::go_text;

/// One step of `index`: a key of a map, a position in a list or text.
pub fn index(value: &Value, key: &Value) -> Result<Value, String> {
    match (value, key) {
        (Value::Null, _) => Err("index of untyped nil".into()),
        (Value::Object(fields), Value::String(key)) => Ok(match fields.get(key) {
            Some(field) => field.clone(),
            // A missing entry of a map of strings (labels, options) is an empty string.
            None if fields.values().all(Value::is_string) => Value::from(""),
            None => Value::Null,
        }),
        (Value::Object(_), key) => Err(format!(
            "value has type {}; should be string",
            go_text::type_name(key)
        )),
        (Value::Array(items), key) => {
            let position = key.as_i64().ok_or_else(|| {
                format!(
                    "cannot index slice/array with type {}",
                    go_text::type_name(key)
                )
            })?;
            usize::try_from(position)
                .ok()
                .and_then(|position| items.get(position))
                .cloned()
                .ok_or_else(|| format!("index out of range: {position}"))
        }
        (Value::String(text), key) => {
            let position = key.as_i64().ok_or_else(|| {
                format!(
                    "cannot index slice/array with type {}",
                    go_text::type_name(key)
                )
            })?;
            usize::try_from(position)
                .ok()
                .and_then(|position| text.as_bytes().get(position))
                .map(|&byte| Value::from(byte))
                .ok_or_else(|| format!("index out of range: {position}"))
        }
        (other, _) => Err(format!(
            "can't index item of type {}",
            go_text::type_name(other)
        )),
    }
}

/// `slice value from to`.
pub fn slice(value: &Value, bounds: &[Value]) -> Result<Value, String> {
    let length = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.len(),
        Value::Null => return Err("slice of untyped nil".into()),
        other => {
            return Err(format!(
                "can't slice item of type {}",
                go_text::type_name(other)
            ));
        }
    };
    let bound = |position: usize, default: usize| match bounds.get(position) {
        None => Ok(default),
        Some(value) => match value.as_i64().and_then(|bound| usize::try_from(bound).ok()) {
            Some(bound) if bound <= length => Ok(bound),
            _ => Err(format!("index out of range: {}", go_text::value(value))),
        },
    };
    let (from, to) = (bound(0, 0)?, bound(1, length)?);
    if from > to {
        return Err(format!("invalid slice index: {from} > {to}"));
    }
    match value {
        Value::Array(items) => Ok(Value::from(&items[from..to])),
        Value::String(text) => Ok(Value::from(
            String::from_utf8_lossy(&text.as_bytes()[from..to]).into_owned(),
        )),
        _ => Ok(Value::Null),
    }
}
