//! `system df`.

use serde_json::{Map, Value};

use super::df_tables::{self, Details};
use super::now;
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::{Outcome, Stop};
use crate::engine::disk_usage::DiskUsage;
use crate::output::format::{self, FormatError, Listing, Row};
use crate::output::template::{Options, Template};
use crate::output::{json, units};

/// `system df`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS]",
    about: "Show disk usage of images, containers, volumes and the build cache",
    arity: Arity::Exactly(0),
    interspersed: true,
    run,
    examples: "\
rbox system df
rbox system df -v
",
    ..Spec::of::<Df>()
};

#[derive(clap::Parser)]
struct Df {
    /// Format output: 'table', 'table TEMPLATE', 'json' or a Go template
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// Show detailed information on space usage
    #[arg(short, long)]
    verbose: bool,
}

const LISTING: Listing = Listing {
    table: "{{.Type}}\\t{{.TotalCount}}\\t{{.Active}}\\t{{.Size}}\\t{{.Reclaimable}}",
    headers: &[
        ("Type", "TYPE"),
        ("TotalCount", "TOTAL"),
        ("Active", "ACTIVE"),
        ("Size", "SIZE"),
        ("Reclaimable", "RECLAIMABLE"),
    ],
    type_name: "*formatter.diskUsageContext",
};

fn run(call: &Call) -> Outcome {
    let line: Df = call.parse()?;
    let usage = call.engine()?.disk_usage()?;
    let format = line.format.as_deref();
    let text = if line.verbose {
        verbose(&df_tables::details(&usage, now()), format)
    } else {
        format::render(&LISTING, format, false, &summary(&usage))
    };
    say(&text.map_err(Stop::failed)?);
    Ok(0)
}

/// One line for each kind of thing.
fn summary(usage: &DiskUsage) -> [Row; 4] {
    let images = &usage.images;
    let active = images
        .images
        .iter()
        .filter(|image| image.containers > 0)
        .count();
    let containers = &usage.containers;
    let bytes = |running: bool| -> u64 {
        containers
            .iter()
            .filter(|(container, _)| running || container.state != "running")
            .map(|(_, size)| size)
            .sum()
    };
    let running = containers
        .iter()
        .filter(|(container, _)| container.state == "running")
        .count();
    let volumes = &usage.volumes;
    let room = |used: bool| -> u64 {
        let counted = volumes.iter().filter(|(_, users, _)| used || *users == 0);
        counted.map(|(_, _, size)| size).sum()
    };
    let in_use = images.cache.iter().filter(|record| record.in_use).count();
    [
        row(
            "Images",
            (images.images.len(), active),
            images.images_size,
            share(images.images_reclaimable, images.images_size),
        ),
        row(
            "Containers",
            (containers.len(), running),
            bytes(true),
            share(bytes(false), bytes(true)),
        ),
        row(
            "Local Volumes",
            (
                volumes.len(),
                volumes.iter().filter(|(_, users, _)| *users > 0).count(),
            ),
            room(true),
            share(room(false), room(true)),
        ),
        row(
            "Build Cache",
            (images.cache.len(), in_use),
            images.cache_size,
            units::size(images.cache_reclaimable, 4),
        ),
    ]
}

fn row(kind: &str, (total, active): (usize, usize), size: u64, reclaimable: String) -> Row {
    Row::new()
        .with("Type", kind)
        .with("TotalCount", total.to_string())
        .with("Active", active.to_string())
        .with("Size", units::size(size, 4))
        .with("Reclaimable", reclaimable)
}

/// `572B (100%)`; without the share where there is nothing.
fn share(reclaimable: u64, size: u64) -> String {
    let text = units::size(reclaimable, 4);
    match (u128::from(reclaimable) * 100).checked_div(u128::from(size)) {
        None => text,
        Some(percent) => format!("{text} ({percent}%)"),
    }
}

/// Tables one after the other, or one object through a template.
fn verbose(details: &Details, format: Option<&str>) -> Result<String, FormatError> {
    let Some(format) = format.filter(|format| !matches!(*format, "" | "table")) else {
        return details.tables();
    };
    let object: Map<String, Value> = details
        .lists()
        .into_iter()
        .map(|(name, rows)| {
            let rows: Vec<Value> = rows.iter().map(Row::value).collect();
            (name.to_owned(), Value::from(rows))
        })
        .collect();
    let object = Value::Object(object);
    if format == "json" {
        return Ok(json::compact_html(&object) + "\n");
    }
    let template = Template::parse(format).map_err(FormatError::Parse)?;
    let text = template
        .execute(&object, Options::default())
        .map_err(FormatError::Execute)?;
    Ok(text + "\n")
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn shares_are_whole_percents() {
        assert_eq!(share(0, 0), "0B");
        assert_eq!(share(572, 572), "572B (100%)");
        assert_eq!(share(1, 3), "1B (33%)");
        assert_eq!(share(u64::MAX, u64::MAX), "18.45EB (100%)");
    }
}
