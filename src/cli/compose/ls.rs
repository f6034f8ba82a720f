//! `compose ls`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::layout::{Layout, layout};
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::parse::filter::{self, Filters};
use crate::cli::stop::Outcome;
use crate::compose::containers::of_all_projects;
use crate::compose::{ProjectContainer, labels};
use crate::output::table;

/// `compose ls`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS]",
    about: "List running compose projects",
    arity: Arity::Exactly(0),
    interspersed: true,
    run,
    examples: "\
rbox compose ls
rbox compose ls -a --format json
",
    ..Spec::of::<List>()
};

#[derive(clap::Parser)]
struct List {
    /// Show all stopped Compose projects
    #[arg(short, long)]
    all: bool,
    /// Filter output based on conditions provided
    #[arg(long, value_name = "filter", value_parser = filter::filter)]
    filter: Vec<(String, String)>,
    /// Format the output. Values: [table | json]
    #[arg(long, value_name = "string", default_value = "table", value_parser = layout)]
    format: Layout,
    /// Only display project names
    #[arg(short, long)]
    quiet: bool,
}

struct Line {
    name: String,
    status: String,
    files: String,
}

fn run(call: &Call) -> Outcome {
    let line: List = call.parse()?;
    let filters = Filters::new(&line.filter, &["name"])?;
    let projects = of_all_projects(&call.engine()?)?;
    let lines: Vec<Line> = projects
        .iter()
        .filter(|(name, containers)| {
            let runs = containers.iter().any(|one| one.container.run.is_some());
            let named = |part: &String| name.contains(part.as_str());
            (line.all || runs) && filters.any("name", named)
        })
        .map(|(name, containers)| Line {
            name: name.clone(),
            status: status(containers, line.all),
            files: files(containers),
        })
        .collect();
    say(&match (line.quiet, line.format) {
        (true, _) => lines.iter().map(|line| line.name.clone() + "\n").collect(),
        (_, Layout::Json) => {
            let all = lines.iter().map(|line| {
                json!({ "Name": line.name, "Status": line.status, "ConfigFiles": line.files })
            });
            format!("{}\n", all.collect::<serde_json::Value>())
        }
        (_, Layout::Table) => {
            let rows = lines
                .iter()
                .map(|line| format!("{}\t{}\t{}\n", line.name, line.status, line.files));
            table::align(&format!(
                "NAME\tSTATUS\tCONFIG FILES\n{}",
                rows.collect::<String>()
            ))
        }
    });
    Ok(0)
}

/// `exited(1), running(2)`; only what runs unless `all`.
fn status(containers: &[ProjectContainer], all: bool) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for container in containers {
        if all || container.container.run.is_some() {
            *counts.entry(container.container.status()).or_default() += 1;
        }
    }
    let texts: Vec<String> = counts
        .iter()
        .map(|(status, count)| format!("{status}({count})"))
        .collect();
    texts.join(", ")
}

fn files(containers: &[ProjectContainer]) -> String {
    let all: BTreeSet<&str> = containers
        .iter()
        .flat_map(|container| container.label(labels::CONFIG_FILES).split(','))
        .filter(|file| !file.is_empty())
        .collect();
    all.into_iter().collect::<Vec<_>>().join(",")
}
