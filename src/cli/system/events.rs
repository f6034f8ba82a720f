//! `events`.

use super::inspect::template;
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::parse::filter::{self, Filters};
use crate::cli::parse::{Invalid, time};
use crate::cli::stop::{Outcome, Stop};
use crate::engine::clock;
use crate::engine::event::follow::Follower;
use crate::engine::event::selection::Selection;
use crate::engine::event::{Event, Kind};
use crate::output::event;
use crate::output::template::Template;

/// `events`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS]",
    about: "Get real time events of containers, images, networks and volumes",
    arity: Arity::Exactly(0),
    interspersed: true,
    run,
    examples: "\
rbox events --since 1h
rbox events --filter type=container --filter event=die
rbox events --format '{{.Action}} {{.Actor.Attributes.name}}'
",
    ..Spec::of::<Events>()
};

#[derive(clap::Parser)]
struct Events {
    /// Filter output based on conditions provided
    #[arg(short, long, value_name = "filter", value_parser = filter::filter)]
    filter: Vec<(String, String)>,
    /// Format output: 'json' or a Go template
    #[arg(
        long,
        value_name = "string",
        default_value = "",
        hide_default_value = true
    )]
    format: String,
    /// Show all events created since timestamp
    #[arg(long, value_name = "string")]
    since: Option<String>,
    /// Stream events until this timestamp
    #[arg(long, value_name = "string")]
    until: Option<String>,
}

/// How a line looks.
enum Shape {
    Text,
    Json,
    Template(Template),
}

fn run(call: &Call) -> Outcome {
    let line: Events = call.parse()?;
    let shape = match line.format.as_str() {
        "" => Shape::Text,
        "json" => Shape::Json,
        text => Shape::Template(template(text)?),
    };
    let now = i128::from(clock::unix_nanos());
    let selection = Selection {
        since: time::flag("since", line.since.as_deref(), now).map_err(Stop::failed)?,
        until: time::flag("until", line.until.as_deref(), now).map_err(Stop::failed)?,
        ..selection(&line.filter)?
    };
    let engine = call.engine()?;
    let backlog = selection.since.is_some() || selection.until.is_some();
    let failed = |error| {
        let place = engine.dirs.run_root.display();
        Stop::failed(format!("read the events below {place}: {error}"))
    };
    let mut follower = Follower::new(&engine.dirs.run_root, backlog).map_err(failed)?;
    loop {
        // Before the look: what happens until then is not missed.
        let over = selection
            .until
            .is_some_and(|until| clock::unix_nanos() >= until);
        let mut wrong = None;
        follower
            .look(&mut |event| {
                if selection.takes(&event) && wrong.is_none() {
                    wrong = show(&event, &shape).err();
                }
            })
            .map_err(failed)?;
        if let Some(stop) = wrong {
            return Err(stop);
        }
        if over {
            return Ok(0);
        }
        follower.wait(selection.until).map_err(failed)?;
    }
}

fn show(event: &Event, shape: &Shape) -> Result<(), Stop> {
    let line = match shape {
        Shape::Text => event::text(event),
        Shape::Json => event::json(event),
        Shape::Template(template) => event::formatted(event, template)
            .map_err(|error| Stop::failed(format!("template parsing error: {error}")))?,
    };
    say(&(line + "\n"));
    Ok(())
}

/// Docker's filters; those for what rbox does not have are refused.
fn selection(filters: &[(String, String)]) -> Result<Selection, Invalid> {
    let filters = Filters::new(
        filters,
        &[
            "container",
            "event",
            "image",
            "label",
            "network",
            "scope",
            "type",
            "volume",
        ],
    )?;
    let kinds = filters.get("type").iter().map(|name| kind(&filters, name));
    let kinds = kinds.collect::<Result<Vec<Kind>, Invalid>>()?;
    if let Some(scope) = filters.get("scope").iter().find(|scope| *scope != "local") {
        return Err(filters.refuse("scope", scope));
    }
    let list = |name: &str| filters.get(name).to_vec();
    Ok(Selection {
        kinds,
        actions: list("event"),
        containers: list("container"),
        images: list("image"),
        networks: list("network"),
        volumes: list("volume"),
        labels: list("label"),
        since: None,
        until: None,
    })
}

fn kind(filters: &Filters, name: &str) -> Result<Kind, Invalid> {
    [
        Kind::Builder,
        Kind::Container,
        Kind::Image,
        Kind::Network,
        Kind::Volume,
    ]
    .into_iter()
    .find(|kind| kind.name() == name)
    .ok_or_else(|| filters.refuse("type", name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::parse::filter::filter;

    fn read(texts: &[&str]) -> Result<Selection, String> {
        let filters: Vec<_> = texts.iter().map(|text| filter(text).unwrap()).collect();
        selection(&filters).map_err(|error| error.0)
    }

    #[test]
    fn filters_become_a_selection() {
        let selection = read(&[
            "type=container",
            "type=network",
            "event=die",
            "label=a=b",
            "scope=local",
        ])
        .unwrap();
        assert_eq!(selection.kinds, [Kind::Container, Kind::Network]);
        assert_eq!(
            (selection.actions, selection.labels),
            (vec!["die".into()], vec!["a=b".into()])
        );
    }

    #[test]
    fn what_there_is_not_is_refused_by_name() {
        for (text, error) in [
            ("bogus=1", "Invalid filter 'bogus'"),
            ("node=a", "Invalid filter 'node'"),
            ("type=plugin", "Invalid filter 'type=plugin'"),
            ("scope=swarm", "Invalid filter 'scope=swarm'"),
        ] {
            assert_eq!(read(&[text]).unwrap_err(), error);
        }
    }
}
