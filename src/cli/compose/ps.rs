//! `compose ps`.

use super::ps_row::{LISTING, row};
use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::parse::filter::{self, Filters};
use crate::cli::stop::{Outcome, Stop};
use crate::cli::system::now;
use crate::compose::labels;
use crate::engine::list::ContainerSummary;
use crate::output::{error, format};

/// What `--status` can be.
const STATES: [&str; 7] = [
    "created",
    "dead",
    "exited",
    "paused",
    "removing",
    "restarting",
    "running",
];

/// `compose ps`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [SERVICE...]",
    about: "List containers",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox compose ps -a
rbox compose ps --status exited --format json
rbox compose ps --services
",
    ..Spec::of::<Ps>()
};

#[derive(clap::Parser)]
struct Ps {
    /// Show all stopped containers (including those created by the run command)
    #[arg(short, long)]
    all: bool,
    /// Filter services by a property (supported filters: status)
    #[arg(long, value_name = "string", value_parser = filter::filter)]
    filter: Vec<(String, String)>,
    /// Format output: 'table', 'table TEMPLATE', 'json' or a Go template
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// Don't truncate output
    #[arg(long)]
    no_trunc: bool,
    /// Include orphaned services (not declared by project) (default true)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "true", action = clap::ArgAction::Set, hide_default_value = true)]
    orphans: bool,
    /// Only display IDs
    #[arg(short, long)]
    quiet: bool,
    /// Display services
    #[arg(long)]
    services: bool,
    /// Filter services by status. Values: [paused | restarting | removing | running | dead | created | exited]
    #[arg(long, value_name = "stringArray")]
    status: Vec<String>,
    #[arg(hide = true)]
    names: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Ps = call.parse()?;
    let filters = Filters::new(&line.filter, &["status", "source"])?;
    let mut states = line.status;
    states.extend(filters.get("status").iter().cloned());
    if let Some(wrong) = states
        .iter()
        .find(|state| !STATES.contains(&state.as_str()))
    {
        return Err(Stop::failed(format!(
            "unknown status {wrong:?}: it is one of {}",
            STATES.join(", ")
        )));
    }
    let session = Session::open(call, &line.names, Files::NameWillDo)?;
    let (all, damaged) = session.engine.list()?;
    for failure in &damaged {
        error::print(failure);
    }
    let mut chosen: Vec<&ContainerSummary> = all
        .iter()
        .filter(|one| label(one, labels::PROJECT) == session.project.name)
        .filter(|one| {
            let service = label(one, labels::SERVICE).to_owned();
            let declared = session.project.services.contains_key(&service)
                || session.project.disabled.contains_key(&service);
            let named = line.names.is_empty() || line.names.contains(&service);
            let oneoff = label(one, labels::ONEOFF).eq_ignore_ascii_case("true");
            let state = match states.is_empty() {
                true => line.all || !matches!(one.state.as_str(), "created" | "exited" | "dead"),
                false => states.contains(&one.state),
            };
            named && state && (line.orphans || declared) && (line.all || !oneoff)
        })
        .collect();
    chosen.sort_by(|a, b| a.name.cmp(&b.name));
    if line.services {
        let mut services: Vec<&str> = chosen
            .iter()
            .map(|one| label(one, labels::SERVICE))
            .collect();
        services.sort_unstable();
        services.dedup();
        say(&services
            .iter()
            .map(|name| format!("{name}\n"))
            .collect::<String>());
        return Ok(0);
    }
    if line.quiet {
        say(&chosen
            .iter()
            .map(|one| format!("{}\n", one.id))
            .collect::<String>());
        return Ok(0);
    }
    let now = now();
    let rows: Vec<_> = chosen
        .into_iter()
        .map(|one| row(one, line.no_trunc, now))
        .collect();
    let text =
        format::render(&LISTING, line.format.as_deref(), false, &rows).map_err(Stop::failed)?;
    say(&text);
    Ok(0)
}

fn label<'a>(container: &'a ContainerSummary, name: &str) -> &'a str {
    container.labels.get(name).map_or("", String::as_str)
}
