//! `volume create`.

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::parse::label;
use crate::cli::stop::{Outcome, Stop};
use crate::engine::volume::{DRIVER, VolumeRequest};

/// `volume create`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] [VOLUME]",
    about: "Create a volume",
    arity: Arity::AtMost(1),
    interspersed: true,
    run,
    examples: "\
rbox volume create data
rbox volume create -o type=tmpfs -o device=tmpfs -o o=size=64m scratch
rbox volume create -o type=none -o o=bind -o device=/srv/data srv
",
    ..Spec::of::<Create>()
};

#[derive(clap::Parser)]
struct Create {
    /// Specify volume driver name
    #[arg(short, long, value_name = "string", default_value = DRIVER)]
    driver: String,
    /// Set metadata for a volume
    #[arg(long, value_name = "list", value_parser = label::label)]
    label: Vec<(String, String)>,
    /// Specify volume name
    #[arg(long, value_name = "string", hide = true)]
    name: Option<String>,
    /// Set driver specific options
    #[arg(short, long, value_name = "map", value_parser = label::entry)]
    opt: Vec<(String, String)>,
    #[arg(hide = true)]
    volume: Option<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Create = call.parse()?;
    if line.name.is_some() && line.volume.is_some() {
        return Err(Stop::failed(
            "conflicting options: cannot specify a volume name through both --name and as a \
             positional arg",
        ));
    }
    let volume = call.engine()?.create_volume(&VolumeRequest {
        name: line.volume.or(line.name).unwrap_or_default(),
        driver: line.driver,
        options: line.opt.into_iter().collect(),
        labels: line.label.into_iter().collect(),
    })?;
    say(&format!("{}\n", volume.name));
    Ok(0)
}
