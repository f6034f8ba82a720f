//! Where `save` and `export` write their tar: `-o FILE`, or a stdout that is no terminal.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::stop::Stop;
use crate::output::go_text::quote;

/// Lets `archive` write there. A file appears when it is whole; `what` is `save image`, for errors.
///
/// # Errors
/// A terminal, a directory that does not exist, a device, a file that cannot be written, or those of
/// `archive`; what was there before then stays.
pub fn write(
    path: Option<&Path>,
    what: &str,
    archive: impl FnOnce(&mut dyn Write) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let Some(path) = path else {
        if io::stdout().is_terminal() {
            return Err(Stop::failed(
                "cowardly refusing to save to a terminal. Use the -o flag or redirect",
            ));
        }
        return flushed(io::stdout().lock(), archive);
    };
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
        return Err(Stop::failed(format!(
            "failed to {what}: invalid output path: directory {} does not exist",
            quote(&parent.to_string_lossy())
        )));
    }
    // A rename would put a file in the place of a device, /dev/null say, or of a link to one.
    if let Ok(there) = std::fs::metadata(path)
        && !there.is_file()
        && !there.is_dir()
    {
        return Err(Stop::failed(format!(
            "failed to {what}: invalid output path: {} must be a directory or a regular file",
            quote(&path.to_string_lossy())
        )));
    }
    let partial = partial(path);
    // For its owner only: it may hold secrets.
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&partial)
        .map_err(|error| Stop::failed(format!("invalid output path: {}: {error}", path.display())))
        .and_then(|file| flushed(file, archive))
        .and_then(|()| std::fs::rename(&partial, path).map_err(Stop::failed));
    if written.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    written
}

fn flushed(
    out: impl Write,
    archive: impl FnOnce(&mut dyn Write) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut out = BufWriter::new(out);
    archive(&mut out)?;
    out.flush().map_err(Stop::failed)
}

/// Beside the target, so that a failure leaves what was there.
fn partial(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.rbox-{}", std::process::id()))
}
