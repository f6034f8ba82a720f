//! `ps`.

use super::filter::{Choice, Lookup};
use super::row::{LISTING, WITH_SIZE, row};
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::parse::{filter, number};
use crate::cli::stop::{Outcome, Stop};
use crate::cli::system::now;
use crate::engine::Engine;
use crate::engine::list::ContainerSummary;
use crate::output::{error, format, units};

/// `ps`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS]",
    about: "List containers",
    arity: Arity::Exactly(0),
    interspersed: true,
    run,
    examples: "\
rbox ps
rbox ps -a --filter status=exited
rbox ps --format 'table {{.Names}}\\t{{.Status}}\\t{{.Ports}}'
rbox rm $(rbox ps -aq)
",
    ..Spec::of::<Ps>()
};

#[derive(clap::Parser)]
struct Ps {
    /// Show all containers (default shows just running)
    #[arg(short, long)]
    all: bool,
    /// Filter output based on conditions provided
    #[arg(short, long, value_name = "filter", value_parser = filter::filter)]
    filter: Vec<(String, String)>,
    /// Format output: 'table', 'table TEMPLATE', 'json' or a Go template
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// Show n last created containers (includes all states)
    #[arg(short = 'n', long, value_name = "int", value_parser = number::integer,
          default_value = "-1")]
    last: i64,
    /// Show the latest created container (includes all states)
    #[arg(short, long)]
    latest: bool,
    /// Don't truncate output
    #[arg(long)]
    no_trunc: bool,
    /// Only display container IDs
    #[arg(short, long)]
    quiet: bool,
    /// Display total file sizes
    #[arg(short, long)]
    size: bool,
}

fn run(call: &Call) -> Outcome {
    let line: Ps = call.parse()?;
    let last = match (line.latest, usize::try_from(line.last)) {
        (true, Err(_)) => Some(1),
        (_, Ok(count)) if count > 0 => Some(count),
        _ => None,
    };
    let choice = Choice::new(line.all, last, &line.filter)?;
    let engine = call.engine()?;
    let (containers, damaged) = engine.list()?;
    for failure in &damaged {
        error::print(failure);
    }
    let chosen = choice.choose(&containers, &Known(&engine))?;
    let now = now();
    // Counting takes time: only for who asks.
    let asked = |format: &String| format.contains(".Size");
    let sized = line.size || line.format.as_ref().is_some_and(asked);
    let rows: Vec<_> = chosen
        .into_iter()
        .map(|container| {
            let row = row(container, line.no_trunc, now);
            match sized {
                true => row.with("Size", size(&engine, container)),
                false => row,
            }
        })
        .collect();
    let listing = if line.size { &WITH_SIZE } else { &LISTING };
    let text =
        format::render(listing, line.format.as_deref(), line.quiet, &rows).map_err(Stop::failed)?;
    say(&text);
    Ok(0)
}

/// `0B (virtual 7.8MB)`.
fn size(engine: &Engine, container: &ContainerSummary) -> String {
    let size = engine.container_size(&container.id, &container.image_id);
    let written = units::size(size.written, 3);
    match size.all {
        0 => written,
        all => format!("{written} (virtual {})", units::size(all, 3)),
    }
}

struct Known<'a>(&'a Engine);

impl Lookup for Known<'_> {
    fn descends(&self, container: &ContainerSummary, image: &str) -> bool {
        let Ok(ancestor) = self.0.images.get(image) else {
            return false;
        };
        ancestor.id == container.image_id
            || self
                .0
                .images
                .get(&container.image_id)
                .is_ok_and(|image| image.layers.starts_with(&ancestor.layers))
    }

    fn network(&self, reference: &str) -> Option<String> {
        self.0.network(reference).ok().map(|network| network.name)
    }
}
