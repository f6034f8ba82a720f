//! `compose events`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::parse::time;
use crate::cli::stop::{Outcome, Stop};
use crate::compose::labels;
use crate::engine::clock;
use crate::engine::event::follow::Follower;
use crate::engine::event::selection::Selection;
use crate::engine::event::{Event, Kind};

/// `compose events`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [SERVICE...]",
    about: "Receive real time events from containers",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox compose events
rbox compose events --json --since 10m web
",
    ..Spec::of::<Events>()
};

#[derive(clap::Parser)]
struct Events {
    /// Output events as a stream of json objects
    #[arg(long)]
    json: bool,
    /// Show all events created since timestamp
    #[arg(long, value_name = "string")]
    since: Option<String>,
    /// Stream events until this timestamp
    #[arg(long, value_name = "string")]
    until: Option<String>,
    #[arg(hide = true)]
    services: Vec<String>,
}

/// What every container of a project carries, and nobody wants to read each time.
const OWN_LABELS: &str = "com.docker.compose.";

fn run(call: &Call) -> Outcome {
    let line: Events = call.parse()?;
    let now = i128::from(clock::unix_nanos());
    let session = Session::open(call, &line.services, Files::NameWillDo)?;
    let selection = Selection {
        kinds: vec![Kind::Container],
        labels: vec![format!("{}={}", labels::PROJECT, session.project.name)],
        since: time::flag("since", line.since.as_deref(), now).map_err(Stop::failed)?,
        until: time::flag("until", line.until.as_deref(), now).map_err(Stop::failed)?,
        ..Selection::default()
    };
    let run_root = &session.engine.dirs.run_root;
    let failed = |error| {
        Stop::failed(format!(
            "read the events below {}: {error}",
            run_root.display()
        ))
    };
    let backlog = selection.since.is_some() || selection.until.is_some();
    let mut follower = Follower::new(run_root, backlog).map_err(failed)?;
    loop {
        // Before the look: what happens until then is not missed.
        let over = selection
            .until
            .is_some_and(|until| clock::unix_nanos() >= until);
        follower
            .look(&mut |event| {
                if selection.takes(&event) && is_wanted(&event, &line.services) {
                    say(&match line.json {
                        true => json(&event),
                        false => text(&event),
                    });
                }
            })
            .map_err(failed)?;
        if over {
            return Ok(0);
        }
        follower.wait(selection.until).map_err(failed)?;
    }
}

/// Of the services named, and not of `compose run`.
fn is_wanted(event: &Event, services: &[String]) -> bool {
    let attribute = |name: &str| event.attributes.get(name).map_or("", String::as_str);
    let service = attribute(labels::SERVICE);
    !attribute(labels::ONEOFF).eq_ignore_ascii_case("true")
        && (services.is_empty() || services.iter().any(|name| name == service))
}

/// What is not compose's own.
fn attributes(event: &Event) -> BTreeMap<&str, &str> {
    let all = event.attributes.iter();
    all.map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| !name.starts_with(OWN_LABELS))
        .collect()
}

/// `2026-01-02 15:04:05.123456 container start 0123… (image=alpine, name=p-web-1)`.
fn text(event: &Event) -> String {
    let attributes: Vec<String> = attributes(event)
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!(
        "{} {} {} {} ({})\n",
        at(event, "%Y-%m-%d %H:%M:%S%.6f"),
        event.kind.name(),
        event.action,
        event.id,
        attributes.join(", ")
    )
}

fn json(event: &Event) -> String {
    let service = event.attributes.get(labels::SERVICE);
    let line = json!({
        "time": at(event, "%Y-%m-%dT%H:%M:%S%.6f"),
        "type": event.kind.name(),
        "action": event.action,
        "id": event.id,
        "service": service,
        "attributes": attributes(event),
    });
    format!("{line}\n")
}

/// UTC, as all times of rbox.
fn at(event: &Event, format: &str) -> String {
    let time = Timestamp::from_nanosecond(i128::from(event.time)).unwrap_or_default();
    time.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        let mut event = Event::new(Kind::Container, "start", "0123");
        event.time = 1_700_000_000_123_456_789;
        event
            .with("name", "p-web-1")
            .with("image", "alpine")
            .with(labels::SERVICE, "web")
            .with(labels::ONEOFF, "False")
    }

    #[test]
    fn a_line_tells_time_action_and_whom() {
        assert_eq!(
            text(&event()),
            "2023-11-14 22:13:20.123456 container start 0123 (image=alpine, name=p-web-1)\n"
        );
        assert_eq!(
            json(&event()),
            "{\"time\":\"2023-11-14T22:13:20.123456\",\"type\":\"container\",\"action\":\"start\",\
             \"id\":\"0123\",\"service\":\"web\",\
             \"attributes\":{\"image\":\"alpine\",\"name\":\"p-web-1\"}}\n"
        );
    }

    #[test]
    fn services_are_chosen_and_one_off_containers_are_left_out() {
        assert!(is_wanted(&event(), &[]));
        assert!(is_wanted(&event(), &["web".to_owned()]));
        assert!(!is_wanted(&event(), &["db".to_owned()]));
        assert!(!is_wanted(&event().with(labels::ONEOFF, "True"), &[]));
    }
}
