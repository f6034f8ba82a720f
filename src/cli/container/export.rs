//! `export`.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::stop::{Outcome, Stop};
use crate::output::go_text::quote;

/// `export`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] CONTAINER",
    about: "Export a container's filesystem as a tar archive",
    arity: Arity::Exactly(1),
    interspersed: true,
    run,
};

#[derive(clap::Parser)]
struct Export {
    /// Write to a file, instead of STDOUT
    #[arg(short, long, value_name = "string")]
    output: Option<PathBuf>,
    #[arg(hide = true)]
    container: String,
}

fn run(call: &Call) -> Outcome {
    let line: Export = call.parse()?;
    let engine = call.engine()?;
    let Some(path) = &line.output else {
        if io::stdout().is_terminal() {
            return Err(Stop::failed(
                "cowardly refusing to save to a terminal. Use the -o flag or redirect",
            ));
        }
        let mut out = BufWriter::new(io::stdout().lock());
        engine.export_container(&line.container, &mut out)?;
        out.flush().map_err(Stop::failed)?;
        return Ok(0);
    };
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
        return Err(Stop::failed(format!(
            "failed to export container: invalid output path: directory {} does not exist",
            quote(&parent.to_string_lossy())
        )));
    }
    let partial = partial(path);
    let written = write(&partial, |out| {
        engine
            .export_container(&line.container, out)
            .map_err(Stop::from)
    })
    .and_then(|()| std::fs::rename(&partial, path).map_err(Stop::failed));
    if written.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    written.map(|()| 0)
}

/// For its owner only: it may hold the container's secrets.
fn write(path: &Path, export: impl FnOnce(&mut dyn Write) -> Result<(), Stop>) -> Result<(), Stop> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| {
            Stop::failed(format!("invalid output path: {}: {error}", path.display()))
        })?;
    let mut out = BufWriter::new(file);
    export(&mut out)?;
    out.flush().map_err(Stop::failed)
}

/// Beside the target, so that a failed export leaves what was there.
fn partial(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.rbox-{}", std::process::id()))
}
