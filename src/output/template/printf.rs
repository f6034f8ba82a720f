//! fmt's Sprint, Sprintln and Sprintf for the values that templates have.

use serde_json::Value;

use crate::output::go_text;

/// Blanks only between operands of which neither is a string.
pub fn print(values: &[Value]) -> String {
    let mut out = String::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 && !value.is_string() && !values[index - 1].is_string() {
            out.push(' ');
        }
        out.push_str(&go_text::value(value));
    }
    out
}

/// Blanks between all operands, and a newline.
pub fn println(values: &[Value]) -> String {
    let texts: Vec<String> = values.iter().map(go_text::value).collect();
    format!("{}\n", texts.join(" "))
}

/// One `%…` of a format.
#[derive(Default)]
struct Directive {
    minus: bool,
    plus: bool,
    zero: bool,
    space: bool,
    sharp: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// Verbs `v s q d x X o b c t f e g T %` with flags, width and precision.
pub fn printf(format: &str, values: &[Value]) -> String {
    let mut out = String::new();
    let mut values = values.iter();
    let mut rest = format.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut directive = Directive::default();
        while let Some(&flag) = rest.peek() {
            match flag {
                '-' => directive.minus = true,
                '+' => directive.plus = true,
                '0' => directive.zero = true,
                ' ' => directive.space = true,
                '#' => directive.sharp = true,
                _ => break,
            }
            rest.next();
        }
        directive.width = number(&mut rest);
        if rest.next_if_eq(&'.').is_some() {
            directive.precision = Some(number(&mut rest).unwrap_or_default());
        }
        match rest.next() {
            None => out.push_str("%!(NOVERB)"),
            Some('%') => out.push('%'),
            Some(verb) => match values.next() {
                None => out.push_str(&format!("%!{verb}(MISSING)")),
                Some(value) => out.push_str(&directive.apply(verb, value)),
            },
        }
    }
    let extra: Vec<String> = values
        .map(|value| format!("{}={}", go_text::type_name(value), go_text::value(value)))
        .collect();
    if !extra.is_empty() {
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    out
}

fn number(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<usize> {
    let mut number = None;
    while let Some(digit) = rest.peek().and_then(|c| c.to_digit(10)) {
        let so_far: usize = number.unwrap_or_default();
        number = Some((so_far * 10 + digit as usize).min(1 << 16));
        rest.next();
    }
    number
}

impl Directive {
    fn apply(&self, verb: char, value: &Value) -> String {
        let cut = |text: String| match self.precision {
            Some(length) => text.chars().take(length).collect(),
            None => text,
        };
        let text = match (verb, value) {
            ('v', Value::String(text)) if self.sharp => go_text::quote(text),
            ('v', value) => go_text::value(value),
            ('s', Value::String(text)) => cut(text.clone()),
            ('s', Value::Array(_) | Value::Object(_)) => go_text::value(value),
            ('q', Value::String(text)) => go_text::quote(&cut(text.clone())),
            ('q', Value::Array(items)) => {
                let items: Vec<String> = items.iter().map(|item| self.apply('q', item)).collect();
                format!("[{}]", items.join(" "))
            }
            ('t', Value::Bool(flag)) => flag.to_string(),
            ('T', value) => go_text::type_name(value).to_owned(),
            ('x', Value::String(text)) => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
            ('X', Value::String(text)) => text.bytes().map(|byte| format!("{byte:02X}")).collect(),
            ('d' | 'x' | 'X' | 'o' | 'b' | 'c', Value::Number(number)) if !number.is_f64() => {
                return self.pad(
                    self.integer(verb, number.as_i64().unwrap_or_default()),
                    self.zero,
                );
            }
            ('f' | 'F' | 'e' | 'g', Value::Number(number)) if number.is_f64() => {
                let number = number.as_f64().unwrap_or_default();
                let precision = self.precision.unwrap_or(6);
                let text = match verb {
                    'f' | 'F' => format!("{number:.precision$}"),
                    'e' => format!("{number:.precision$e}"),
                    _ => number.to_string(),
                };
                return self.pad(
                    if self.plus && number >= 0.0 {
                        format!("+{text}")
                    } else {
                        text
                    },
                    self.zero,
                );
            }
            (verb, Value::Null) => format!("%!{verb}(<nil>)"),
            (verb, value) => {
                format!(
                    "%!{verb}({}={})",
                    go_text::type_name(value),
                    go_text::value(value)
                )
            }
        };
        self.pad(text, false)
    }

    fn integer(&self, verb: char, number: i64) -> String {
        let sign = match number {
            ..0 => "-",
            _ if self.plus => "+",
            _ if self.space => " ",
            _ => "",
        };
        let number = number.unsigned_abs();
        let digits = match verb {
            'x' => format!("{}{number:x}", if self.sharp { "0x" } else { "" }),
            'X' => format!("{}{number:X}", if self.sharp { "0X" } else { "" }),
            'o' => format!("{number:o}"),
            'b' => format!("{number:b}"),
            'c' => {
                return u32::try_from(number)
                    .ok()
                    .and_then(char::from_u32)
                    .unwrap_or('\u{fffd}')
                    .to_string();
            }
            _ => number.to_string(),
        };
        format!("{sign}{digits}")
    }

    fn pad(&self, text: String, zeros: bool) -> String {
        let length = text.chars().count();
        let Some(missing) = self.width.and_then(|width| width.checked_sub(length)) else {
            return text;
        };
        if self.minus {
            return text + &" ".repeat(missing);
        }
        if zeros {
            let digits = usize::from(text.starts_with(['-', '+', ' ']));
            return format!(
                "{}{}{}",
                &text[..digits],
                "0".repeat(missing),
                &text[digits..]
            );
        }
        " ".repeat(missing) + &text
    }
}
