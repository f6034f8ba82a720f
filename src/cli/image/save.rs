//! `save`.

use std::path::PathBuf;

use crate::cli::archive_output;
use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::{Outcome, Stop};

/// `save`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    about: "Save one or more images to a tar archive (streamed to STDOUT by default)",
    arity: Arity::AtLeast(1),
    interspersed: true,
    run,
    examples: "\
rbox save -o app.tar app:1.2
rbox save app:1.2 | gzip > app.tar.gz
",
    ..Spec::of::<Save>()
};

#[derive(clap::Parser)]
struct Save {
    /// Write to a file, instead of STDOUT
    #[arg(short, long, value_name = "string")]
    output: Option<PathBuf>,
    #[arg(hide = true)]
    images: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Save = call.parse()?;
    let engine = call.engine()?;
    archive_output::write(line.output.as_deref(), "save image", |out| {
        engine.save(&line.images, out).map_err(Stop::from)
    })?;
    Ok(0)
}
