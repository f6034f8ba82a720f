//! `volume ls`.

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::parse::filter::{self, Filters};
use crate::cli::stop::{Outcome, Stop};
use crate::engine::volume::{DRIVER, Volume};
use crate::output::format::{self, Listing, Row};

/// `volume ls`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS]",
    about: "List volumes",
    arity: Arity::Exactly(0),
    interspersed: true,
    run,
    examples: "\
rbox volume ls
rbox volume ls -q -f dangling=true  # those that no container uses
",
    ..Spec::of::<Ls>()
};

#[derive(clap::Parser)]
struct Ls {
    /// Provide filter values (e.g. "dangling=true")
    #[arg(short, long, value_name = "filter", value_parser = filter::filter)]
    filter: Vec<(String, String)>,
    /// Format output: 'table', 'table TEMPLATE', 'json' or a Go template
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// Only display volume names
    #[arg(short, long)]
    quiet: bool,
}

/// Docker's fields of a volume.
pub const LISTING: Listing = Listing {
    table: "{{.Driver}}\\t{{.Name}}",
    headers: &[
        ("Name", "VOLUME NAME"),
        ("Driver", "DRIVER"),
        ("Scope", "SCOPE"),
        ("Availability", "AVAILABILITY"),
        ("Mountpoint", "MOUNTPOINT"),
        ("Links", "LINKS"),
        ("Size", "SIZE"),
        ("Labels", "LABELS"),
        ("Group", "GROUP"),
        ("Status", "STATUS"),
    ],
    type_name: "*formatter.volumeContext",
};

fn run(call: &Call) -> Outcome {
    let line: Ls = call.parse()?;
    let filters = Filters::new(
        &line.filter,
        &["dangling", "driver", "label", "label!", "name"],
    )?;
    let dangling = filters.flag("dangling")?;
    let engine = call.engine()?;
    let mut volumes = engine.volumes()?;
    volumes.retain(|volume| {
        filters.any("driver", |driver| driver == DRIVER)
            && filters.name(&volume.name)
            && filters.labels(&volume.labels)
    });
    if let Some(wanted) = dangling {
        let in_use = engine.volumes_in_use()?;
        volumes.retain(|volume| in_use.contains_key(&volume.name) != wanted);
    }
    let rows: Vec<Row> = volumes
        .iter()
        .map(|volume| row(volume, "N/A".into(), "N/A".into()))
        .collect();
    let format = match line.format.as_deref() {
        None | Some("" | "table") if line.quiet => Some("{{.Name}}"),
        format => format,
    };
    let text = format::render(&LISTING, format, false, &rows).map_err(Stop::failed)?;
    say(&text);
    Ok(0)
}

/// A volume as Docker's lists have it; only `system df` counts users and bytes.
pub fn row(volume: &Volume, links: String, size: String) -> Row {
    let labels: Vec<String> = volume
        .labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let mut row = Row::new()
        .with("Availability", "N/A")
        .with("Driver", DRIVER)
        .with("Group", "N/A")
        .with("Labels", labels.join(","))
        .with("Links", links)
        .with("Mountpoint", volume.mountpoint.to_string_lossy())
        .with("Name", volume.name.as_str())
        .with("Scope", "local")
        .with("Size", size)
        .with("Status", "N/A");
    row.labels.clone_from(&volume.labels);
    row
}

#[cfg(test)]
mod tests {
    use super::{LISTING, row};
    use crate::engine::volume::Volume;
    use crate::output::format::render;

    #[test]
    fn a_volume_prints_as_dockers() {
        let volume = Volume {
            name: "h4v2".into(),
            created: "2026-11-21T22:04:48.5Z".into(),
            options: Default::default(),
            labels: [("a".to_owned(), "b".to_owned())].into(),
            mountpoint: "/r/volumes/h4v2/_data".into(),
        };
        let rows = [row(&volume, "N/A".into(), "N/A".into())];
        assert_eq!(
            render(&LISTING, None, false, &rows).unwrap(),
            "DRIVER    VOLUME NAME\nlocal     h4v2\n"
        );
        assert_eq!(
            render(&LISTING, Some("json"), false, &rows).unwrap(),
            "{\"Availability\":\"N/A\",\"Driver\":\"local\",\"Group\":\"N/A\",\"Labels\":\"a=b\",\"Links\":\"N/A\",\"Mountpoint\":\"/r/volumes/h4v2/_data\",\"Name\":\"h4v2\",\"Scope\":\"local\",\"Size\":\"N/A\",\"Status\":\"N/A\"}\n"
        );
        assert_eq!(
            volume.inspect().to_string(),
            "{\"CreatedAt\":\"2026-11-21T22:04:48Z\",\"Driver\":\"local\",\"Labels\":{\"a\":\"b\"},\"Mountpoint\":\"/r/volumes/h4v2/_data\",\"Name\":\"h4v2\",\"Options\":null,\"Scope\":\"local\"}"
        );
    }
}
