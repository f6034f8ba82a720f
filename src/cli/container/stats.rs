//! `stats`.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::thread::sleep;
use std::time::Duration;

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::{Outcome, Stop};
use crate::engine::Engine;
use crate::engine::failure::Failure;
use crate::engine::stats::{Observed, Sample};
use crate::output::format::{self, Listing, Row};
use crate::output::units;

/// `stats`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [CONTAINER...]",
    about: "Display a live stream of container(s) resource usage statistics",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox stats
rbox stats --no-stream web db
rbox stats --no-stream --format '{{.Name}} {{.MemUsage}}'
",
    ..Spec::of::<Stats>()
};

#[derive(clap::Parser)]
struct Stats {
    /// Show all containers (default shows just running)
    #[arg(short, long)]
    all: bool,
    /// Format output: 'table', 'table TEMPLATE', 'json' or a Go template
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// Disable streaming stats and only pull the first result
    #[arg(long)]
    no_stream: bool,
    /// Do not truncate output
    #[arg(long)]
    no_trunc: bool,
    #[arg(hide = true)]
    containers: Vec<String>,
}

/// Processor time takes two looks: between the first two, and between later ones.
const FIRST: Duration = Duration::from_millis(500);
const LATER: Duration = Duration::from_secs(1);

const LISTING: Listing = Listing {
    table: "{{.ID}}\\t{{.Name}}\\t{{.CPUPerc}}\\t{{.MemUsage}}\\t{{.MemPerc}}\\t{{.NetIO}}\\t{{.BlockIO}}\\t{{.PIDs}}",
    headers: &[
        ("Container", "CONTAINER"),
        ("ID", "CONTAINER ID"),
        ("Name", "NAME"),
        ("CPUPerc", "CPU %"),
        ("MemUsage", "MEM USAGE / LIMIT"),
        ("MemPerc", "MEM %"),
        ("NetIO", "NET I/O"),
        ("BlockIO", "BLOCK I/O"),
        ("PIDs", "PIDS"),
    ],
    type_name: "*container.statsContext",
};

fn run(call: &Call) -> Outcome {
    let line: Stats = call.parse()?;
    let look = Look {
        containers: line.containers,
        all: line.all,
        format: line.format,
        once: line.no_stream,
        whole: line.no_trunc,
    };
    // A wrong template is known before the first second is over.
    look.table(&[])?;
    show(&call.engine()?, &look)
}

/// What is looked at, and how it is shown.
pub struct Look {
    /// By names or ids; none is all.
    pub containers: Vec<String>,
    /// Those too that do not run, where none is named.
    pub all: bool,
    /// `--format`.
    pub format: Option<String>,
    /// `--no-stream`.
    pub once: bool,
    /// `--no-trunc`.
    pub whole: bool,
}

impl Look {
    /// These rows, with their header.
    pub fn table(&self, rows: &[Row]) -> Result<String, Stop> {
        format::render(&LISTING, self.format.as_deref(), false, rows).map_err(Stop::failed)
    }
}

/// Shows it, until all that was asked for is gone.
pub fn show(engine: &Engine, asked: &Look) -> Outcome {
    let mut names = asked.containers.clone();
    let mut before = samples(&look(engine, &mut names, asked.all, true)?);
    let clears = !asked.once && std::io::stdout().is_terminal();
    sleep(FIRST);
    if clears {
        say("\x1b[2J");
    }
    loop {
        let seen = look(engine, &mut names, asked.all, false)?;
        if seen.is_empty() && !asked.containers.is_empty() {
            // All that were asked for are gone.
            return Ok(0);
        }
        let rows: Vec<Row> = seen
            .iter()
            .map(|(name, observed)| row(name, observed, before.get(&observed.id), asked.whole))
            .collect();
        let text = asked.table(&rows)?;
        match clears {
            // Over what is there, without a flicker: home, and each line to its end.
            true => say(&format!("\x1b[H{}\x1b[J", text.replace('\n', "\x1b[K\n"))),
            false => say(&text),
        }
        if asked.once {
            return Ok(0);
        }
        before = samples(&seen);
        sleep(LATER);
    }
}

/// What was asked for, and how it is. A name without a container is a failure the `first` time;
/// later it is one that is gone.
fn look(
    engine: &Engine,
    names: &mut Vec<String>,
    all: bool,
    first: bool,
) -> Result<Vec<(String, Observed)>, Failure> {
    if names.is_empty() {
        let observed = engine.observe_all(all)?;
        let named = observed.into_iter().map(|one| (String::new(), one));
        return Ok(named.collect());
    }
    let mut seen = Vec::new();
    let mut gone = Vec::new();
    for name in names.iter() {
        match engine.observe(name) {
            Ok(observed) => seen.push((name.clone(), observed)),
            Err(failure) if first => return Err(failure),
            Err(_) => gone.push(name.clone()),
        }
    }
    if seen.is_empty() {
        return Ok(seen);
    }
    names.retain(|name| !gone.contains(name));
    Ok(seen)
}

fn samples(seen: &[(String, Observed)]) -> BTreeMap<String, Sample> {
    seen.iter()
        .filter_map(|(_, observed)| Some((observed.id.clone(), observed.sample?)))
        .collect()
}

/// A line of the table; zeros for one that does not run.
fn row(asked: &str, observed: &Observed, before: Option<&Sample>, whole: bool) -> Row {
    let id = match whole {
        true => &observed.id,
        false => observed.id.get(..12).unwrap_or(&observed.id),
    };
    let sample = observed.sample;
    let number = |of: fn(&Sample) -> u64| sample.as_ref().map_or(0, of);
    let share = match (&sample, before) {
        (Some(now), Some(before)) => now.processor_share(before),
        _ => 0.0,
    };
    let decimal = |of: fn(&Sample) -> u64| units::size(number(of), 3);
    let binary = |of: fn(&Sample) -> u64| units::binary_size(number(of));
    Row::new()
        .with("Container", if asked.is_empty() { id } else { asked })
        .with("ID", id)
        .with("Name", observed.name.as_str())
        .with("CPUPerc", format!("{share:.2}%"))
        .with(
            "MemUsage",
            format!("{} / {}", binary(|s| s.memory), binary(|s| s.memory_limit)),
        )
        .with(
            "MemPerc",
            format!("{:.2}%", sample.as_ref().map_or(0.0, Sample::memory_share)),
        )
        .with(
            "NetIO",
            format!("{} / {}", decimal(|s| s.received), decimal(|s| s.sent)),
        )
        .with(
            "BlockIO",
            format!("{} / {}", decimal(|s| s.read), decimal(|s| s.written)),
        )
        .with("PIDs", number(|s| s.processes).to_string())
}

#[cfg(test)]
mod tests {
    use super::{LISTING, row};
    use crate::engine::stats::Observed;
    use crate::output::format::render;

    #[test]
    fn one_that_does_not_run_uses_nothing() {
        let observed = Observed {
            id: format!("{:0<64}", "02a5c97c92e6"),
            name: "h4e".into(),
            sample: None,
        };
        let rows = [row("", &observed, None, false)];
        assert_eq!(
            render(&LISTING, None, false, &rows).unwrap(),
            "CONTAINER ID   NAME      CPU %     MEM USAGE / LIMIT   MEM %     NET I/O   BLOCK I/O   PIDS\n\
             02a5c97c92e6   h4e       0.00%     0B / 0B             0.00%     0B / 0B   0B / 0B     0\n"
        );
        assert_eq!(
            render(
                &LISTING,
                Some("json"),
                false,
                &[row("web", &observed, None, false)]
            )
            .unwrap(),
            "{\"BlockIO\":\"0B / 0B\",\"CPUPerc\":\"0.00%\",\"Container\":\"web\",\"ID\":\"02a5c97c92e6\",\
             \"MemPerc\":\"0.00%\",\"MemUsage\":\"0B / 0B\",\"Name\":\"h4e\",\"NetIO\":\"0B / 0B\",\"PIDs\":\"0\"}\n"
        );
    }
}
