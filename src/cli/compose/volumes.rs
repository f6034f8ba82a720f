//! `compose volumes`.

use super::session::{Files, Session};
use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::stop::{Outcome, Stop};
use crate::cli::volume::ls::{LISTING, row};
use crate::compose::labels;
use crate::engine::volume::Volume;
use crate::output::format;

/// `compose volumes`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [SERVICE...]",
    about: "List volumes",
    arity: Arity::AtLeast(0),
    interspersed: true,
    run,
    examples: "\
rbox compose volumes
rbox compose volumes -q db
",
    ..Spec::of::<Volumes>()
};

#[derive(clap::Parser)]
struct Volumes {
    /// Format output: 'table', 'table TEMPLATE', 'json' or a Go template
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// Only display volume names
    #[arg(short, long)]
    quiet: bool,
    #[arg(hide = true)]
    services: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Volumes = call.parse()?;
    let session = Session::open(call, &line.services, Files::NameWillDo)?;
    let mut volumes = session.engine.volumes()?;
    volumes.retain(|volume| {
        let project = volume.labels.get(labels::PROJECT);
        project == Some(&session.project.name) && is_used(&session, volume, &line.services)
    });
    let rows: Vec<_> = volumes
        .iter()
        .map(|volume| row(volume, "N/A".into(), "N/A".into()))
        .collect();
    let format = match line.format.as_deref() {
        None | Some("" | "table") if line.quiet => Some("{{.Name}}"),
        format => format,
    };
    say(&format::render(&LISTING, format, false, &rows).map_err(Stop::failed)?);
    Ok(0)
}

/// Whether one of the services (all, when none is named) mounts it.
fn is_used(session: &Session, volume: &Volume, services: &[String]) -> bool {
    let project = &session.project;
    let uses = |name: &String| {
        let service = project.services.get(name);
        let mut sources = service
            .iter()
            .flat_map(|service| &service.volumes)
            .filter(|mount| mount.kind == "volume")
            .filter_map(|mount| project.volumes.get(mount.source.as_ref()?));
        sources.any(|declared| declared.name == volume.name)
    };
    services.is_empty() || services.iter().any(uses)
}
