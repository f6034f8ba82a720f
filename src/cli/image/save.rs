//! `save`.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use rbox_images::SaveFormat;

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::{Outcome, Stop};
use crate::output::go_text::quote;

/// `save`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    about: "Save one or more images to a tar archive (streamed to STDOUT by default)",
    arity: Arity::AtLeast(1),
    interspersed: true,
    run,
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
    let Some(path) = &line.output else {
        if io::stdout().is_terminal() {
            return Err(Stop::failed(
                "cowardly refusing to save to a terminal. Use the -o flag or redirect",
            ));
        }
        let mut out = BufWriter::new(io::stdout().lock());
        engine
            .images
            .save(&line.images, &mut out, SaveFormat::default())
            .map_err(Stop::failed)?;
        out.flush().map_err(Stop::failed)?;
        return Ok(0);
    };
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
        return Err(Stop::failed(format!(
            "failed to save image: invalid output path: directory {} does not exist",
            quote(&parent.to_string_lossy())
        )));
    }
    let partial = partial(path);
    let written = File::create_new(&partial)
        .map_err(|error| Stop::failed(format!("invalid output path: {}: {error}", path.display())))
        .and_then(|file| {
            let mut out = BufWriter::new(file);
            engine
                .images
                .save(&line.images, &mut out, SaveFormat::default())
                .map_err(Stop::failed)?;
            out.flush().map_err(Stop::failed)?;
            std::fs::rename(&partial, path).map_err(Stop::failed)
        });
    if written.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    written.map(|()| 0)
}

/// Beside the target, so that a failed save leaves what was there.
fn partial(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.rbox-{}", std::process::id()))
}
