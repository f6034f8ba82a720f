//! `{{range}}`.

use serde_json::Value;

use super::TemplateError;
use super::ast::Branch;
use super::exec::{Flow, Ran, State, failed};
use crate::output::go_text;

impl State<'_> {
    pub(super) fn range(&mut self, branch: &Branch, dot: &Value) -> Ran<Flow> {
        let value = self.commands(&branch.pipe, dot)?;
        let items: Vec<(Value, Value)> = match &value {
            Value::Null => Vec::new(),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(i, item)| (Value::from(i), item.clone()))
                .collect(),
            Value::Object(fields) => {
                let mut fields: Vec<_> = fields.iter().collect();
                fields.sort_by_key(|(key, _)| key.as_str());
                fields
                    .into_iter()
                    .map(|(key, field)| (Value::from(key.as_str()), field.clone()))
                    .collect()
            }
            Value::Number(number) if number.is_i64() || number.is_u64() => {
                let count = number.as_i64().unwrap_or_default().clamp(0, 100_000);
                (0..count)
                    .map(|i| (Value::from(i), Value::from(i)))
                    .collect()
            }
            other => {
                let message = format!("range can't iterate over {}", go_text::value(other));
                let first = branch.pipe.commands.first().and_then(|c| c.words.first());
                return Err(match first {
                    Some(word) => failed(word, &branch.pipe, message),
                    None => TemplateError::Parse { line: 1, message },
                });
            }
        };
        if items.is_empty() {
            return self.walk(&branch.otherwise, dot);
        }
        let scope = self.variables.len();
        for (key, item) in items {
            self.variables.truncate(scope);
            match branch.pipe.variables.as_slice() {
                [] => {}
                [one] => self.set(one, item.clone(), branch.pipe.assign),
                [index, element, ..] => {
                    self.set(index, key, branch.pipe.assign);
                    self.set(element, item.clone(), branch.pipe.assign);
                }
            }
            if self.walk(&branch.body, &item)? == Flow::Break {
                break;
            }
        }
        Ok(Flow::Next)
    }
}
