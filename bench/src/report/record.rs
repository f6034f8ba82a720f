//! `results.json` as text: indented, with numbers that belong together on one line, and of a number
//! what it is worth.

use anyhow::Result;
use serde_json::Value;

use super::Results;

/// Columns after which a line of numbers goes on in the next.
const WIDTH: usize = 100;

/// The file.
pub fn text(results: &Results) -> Result<String> {
    let mut text = String::new();
    write(&mut text, &serde_json::to_value(results)?, 0);
    text.push('\n');
    Ok(text)
}

fn write(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            text.push('{');
            for (place, (name, value)) in fields.iter().enumerate() {
                next(text, place, depth + 1);
                text.push_str(&format!("{}: ", Value::from(name.as_str())));
                write(text, value, depth + 1);
            }
            line(text, depth);
            text.push('}');
        }
        Value::Array(items) if items.iter().all(is_figure) => numbers(text, items, depth),
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                next(text, place, depth + 1);
                write(text, item, depth + 1);
            }
            line(text, depth);
            text.push(']');
        }
        other => text.push_str(&figure(other)),
    }
}

/// A number, or a place and a number.
fn is_figure(value: &Value) -> bool {
    let pair = |items: &Vec<Value>| items.len() == 2 && items.iter().all(Value::is_number);
    value.is_number() || value.as_array().is_some_and(pair)
}

fn numbers(text: &mut String, items: &[Value], depth: usize) {
    text.push('[');
    let mut column = WIDTH;
    let whole: Vec<String> = items.iter().map(figure).collect();
    let broken = whole.iter().map(|item| item.len() + 2).sum::<usize>() > WIDTH;
    for (place, item) in whole.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        column += item.len() + 2;
        if broken && column > WIDTH {
            line(text, depth + 1);
            column = item.len();
        } else if place > 0 {
            text.push(' ');
        }
        text.push_str(item);
    }
    if broken {
        line(text, depth);
    }
    text.push(']');
}

/// Six figures: no clock here tells more.
fn figure(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(figure).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Number(number) if number.is_f64() => {
            let rounded = number.as_f64().map(|value| format!("{value:.5e}"));
            let number = rounded.and_then(|text| text.parse::<f64>().ok());
            Value::from(number).to_string()
        }
        other => other.to_string(),
    }
}

fn next(text: &mut String, place: usize, depth: usize) {
    if place > 0 {
        text.push(',');
    }
    line(text, depth);
}

fn line(text: &mut String, depth: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(value: &Value) -> String {
        let mut text = String::new();
        write(&mut text, value, 0);
        text
    }

    #[test]
    fn numbers_stand_together() {
        let value = json!({"samples": [1.5, 2.123_456_789], "points": [[0.0, 1.0], [9.0, 1.5]]});
        let lines = "{\n  \"samples\": [1.5, 2.12346],\n  \"points\": [[0.0, 1.0], [9.0, 1.5]]\n}";
        assert_eq!(written(&value), lines);
    }

    #[test]
    fn it_stays_json() {
        let many: Vec<f64> = (0..100).map(|number| f64::from(number) / 3.0).collect();
        let value =
            json!({"a \"quote\"": many, "none": [], "no": {}, "n": null, "big": 11_035_528});
        let text = written(&value);
        assert!(text.lines().all(|line| line.len() <= WIDTH + 4), "{text}");
        let back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["a \"quote\""][98], json!(32.6667));
        assert_eq!(back["big"], value["big"]);
        assert_eq!(back["no"], json!({}));
    }
}
