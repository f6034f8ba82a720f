//! `compose images`.

use rbox_images::{Image, Reference};
use serde_json::json;

use super::layout::{Layout, layout};
use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::image::ls_filter::created;
use crate::cli::stop::Outcome;
use crate::cli::system::now;
use crate::compose::ProjectContainer;
use crate::output::{table, units};

/// `compose images`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [SERVICE...]",
    about: "List images used by the created containers",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox compose images
rbox compose images -q web
",
    ..Spec::of::<Images>()
};

#[derive(clap::Parser)]
struct Images {
    /// Format the output. Values: [table | json]
    #[arg(long, value_name = "string", default_value = "table", value_parser = layout)]
    format: Layout,
    /// Only display IDs
    #[arg(short, long)]
    quiet: bool,
    #[arg(hide = true)]
    services: Vec<String>,
}

/// A container and what it was made of.
struct Line {
    container: String,
    repository: String,
    tag: String,
    id: String,
    platform: String,
    size: u64,
    created: i64,
}

fn run(call: &Call) -> Outcome {
    let line: Images = call.parse()?;
    let session = Session::open(call, &line.services, Files::NameWillDo)?;
    let lines: Vec<Line> = session
        .of(&line.services)?
        .iter()
        .map(|container| {
            let image = session
                .engine
                .images
                .get(&container.container.record.image_id);
            of(container, image.ok().as_ref())
        })
        .collect();
    say(&match (line.quiet, line.format) {
        (true, _) => {
            let mut ids: Vec<&str> = lines.iter().map(|line| hex(&line.id)).collect();
            ids.sort_unstable();
            ids.dedup();
            ids.iter().map(|id| format!("{id}\n")).collect()
        }
        (_, Layout::Json) => json_of(&lines),
        (_, Layout::Table) => table_of(&lines, now()),
    });
    Ok(0)
}

/// An image that is gone by now is known by its id alone.
fn of(container: &ProjectContainer, image: Option<&Image>) -> Line {
    let record = &container.container.record;
    let name = record.config.image.parse::<Reference>().ok();
    let none = || "<none>".to_owned();
    Line {
        container: record.name.clone(),
        repository: name
            .as_ref()
            .map_or_else(none, Reference::repository_familiar),
        tag: name
            .and_then(|name| name.with_default_tag().tag().map(str::to_owned))
            .unwrap_or_else(none),
        id: record.image_id.clone(),
        platform: image.map_or_else(String::new, |image| image.platform().to_string()),
        size: image.map_or(0, |image| image.size),
        created: image.map_or(0, created),
    }
}

fn json_of(lines: &[Line]) -> String {
    let all = lines.iter().map(|line| {
        json!({
            "ID": line.id,
            "ContainerName": line.container,
            "Repository": line.repository,
            "Tag": line.tag,
            "Platform": line.platform,
            "Size": line.size,
        })
    });
    format!("{}\n", all.collect::<serde_json::Value>())
}

fn table_of(lines: &[Line], now: i64) -> String {
    let rows = lines.iter().map(|line| {
        let id = hex(&line.id);
        let since = match line.created {
            0 => "N/A".to_owned(),
            created => format!("{} ago", units::duration(now - created)),
        };
        format!(
            "{}\t{}\t{}\t{}\t{}\t{}\t{since}\n",
            line.container,
            line.repository,
            line.tag,
            line.platform,
            id.get(..12).unwrap_or(id),
            units::size(line.size, 3),
        )
    });
    table::align(&format!(
        "CONTAINER\tREPOSITORY\tTAG\tPLATFORM\tIMAGE ID\tSIZE\tCREATED\n{}",
        rows.collect::<String>()
    ))
}

fn hex(id: &str) -> &str {
    id.strip_prefix("sha256:").unwrap_or(id)
}
