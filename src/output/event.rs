//! One event as a line: Docker's text, JSON, or a template's.

use std::fmt::Write as _;

use serde_json::Value;

use super::json;
use super::template::{Methods, Options, Template, TemplateError};
use crate::engine::clock;
use crate::engine::event::Event;

/// `2026-11-21T22:01:19.360000000Z container start 4f3a… (image=alpine, name=web)`. What others
/// wrote (labels, commands) gives a terminal no orders.
pub fn text(event: &Event) -> String {
    let mut line = format!(
        "{} {} {} {}",
        time(event.time),
        event.kind.name(),
        event.action,
        event.id
    );
    for (index, (key, value)) in event.attributes.iter().enumerate() {
        let before = if index == 0 { " (" } else { ", " };
        let _ = write!(line, "{before}{key}={value}");
    }
    if !event.attributes.is_empty() {
        line.push(')');
    }
    line.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// Always nine digits, so that lines are aligned.
fn time(nanos: i64) -> String {
    let seconds = nanos.div_euclid(1_000_000_000);
    let whole = clock::format_nanos(seconds.saturating_mul(1_000_000_000));
    format!(
        "{}.{:09}Z",
        whole.trim_end_matches('Z'),
        nanos.rem_euclid(1_000_000_000)
    )
}

/// Docker's API message.
pub fn json(event: &Event) -> String {
    json::compact_html(&event.message())
}

/// A template's line.
///
/// # Errors
/// It asks for what an event does not have.
pub fn formatted(event: &Event, template: &Template) -> Result<String, TemplateError> {
    let message = event.message();
    let fields = Fields(&message);
    let options = Options {
        methods: Some(&fields),
        ..Options::default()
    };
    template.execute(&message, options)
}

/// What Go calls the fields whose JSON keys are others.
struct Fields<'a>(&'a Value);

impl Methods for Fields<'_> {
    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
        let (key, absent) = match name {
            "Status" => ("status", Value::from("")),
            "ID" => ("id", Value::from("")),
            "From" => ("from", Value::from("")),
            "Scope" => ("scope", Value::from("")),
            "Time" => ("time", Value::from(0)),
            "TimeNano" => ("timeNano", Value::from(0)),
            _ => return None,
        };
        let value = self.0.get(key).cloned().unwrap_or(absent);
        arguments.is_empty().then_some(Ok(value))
    }

    fn type_name(&self) -> &'static str {
        "*events.Message"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::Kind;

    fn event() -> Event {
        let mut event = Event::new(Kind::Container, "die", "abc")
            .with("name", "web")
            .with("image", "alpine")
            .with("exitCode", "3");
        event.time = 1_793_311_984_360_000_000;
        event
    }

    #[test]
    fn a_line_is_dockers() {
        assert_eq!(
            text(&event()),
            "2026-10-29T22:13:04.360000000Z container die abc (exitCode=3, image=alpine, name=web)"
        );
        let bare = Event {
            attributes: Default::default(),
            time: 0,
            ..event()
        };
        assert_eq!(
            text(&bare),
            "1970-01-01T00:00:00.000000000Z container die abc"
        );
    }

    #[test]
    fn a_label_gives_a_terminal_no_orders() {
        let line = text(&event().with("label", "a\u{1b}[2J\nb"));
        assert!(line.contains("label=a?[2J?b"), "{line}");
    }

    #[test]
    fn templates_know_gos_names() {
        for (template, expected) in [
            ("{{.Type}} {{.Action}} {{.Actor.ID}}", "container die abc"),
            (
                "{{.Status}} {{.ID}} {{.From}} {{.Scope}}",
                "die abc alpine local",
            ),
            ("{{.Time}} {{.TimeNano}}", "1793311984 1793311984360000000"),
            ("{{.Actor.Attributes.exitCode}}", "3"),
            ("{{json .Actor.ID}}", "\"abc\""),
        ] {
            let template = Template::parse(template).unwrap();
            assert_eq!(formatted(&event(), &template).unwrap(), expected);
        }
        let unknown = Template::parse("{{.Bogus}}").unwrap();
        assert_eq!(
            formatted(&event(), &unknown).unwrap_err().to_string(),
            "template: :1:2: executing \"\" at <.Bogus>: can't evaluate field Bogus in type \
             *events.Message"
        );
        assert!(
            json(&event()).starts_with("{\"status\":\"die\",\"id\":\"abc\",\"from\":\"alpine\"")
        );
    }
}
