//! The file that events are in.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::Event;

/// A file that is longer is put aside, in place of the one before it: bytes.
const LONGEST: u64 = 8 << 20;

/// The newest events below a run root.
pub fn path(run_root: &Path) -> PathBuf {
    run_root.join("events")
}

/// Those before them.
pub fn older_path(run_root: &Path) -> PathBuf {
    run_root.join("events.1")
}

/// Adds one. What it tells of has happened, whether this can be written down or not: a failure
/// is nobody's.
pub fn append(run_root: &Path, event: &Event) {
    let _ = try_append(run_root, event);
}

fn try_append(run_root: &Path, event: &Event) -> io::Result<()> {
    let path = path(run_root);
    // In one write: the kernel keeps lines of several writers apart.
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)?;
    file.write_all(&line)?;
    if file.metadata()?.len() > LONGEST {
        // Who comes second puts a short file aside, and nothing is lost but what was old.
        if fs::metadata(&path)?.len() > LONGEST {
            fs::rename(&path, older_path(run_root))?;
        }
    }
    Ok(())
}

/// All that are still known, oldest first; lines that are none are left out.
pub fn read(run_root: &Path) -> io::Result<Vec<Event>> {
    let mut events = Vec::new();
    for path in [older_path(run_root), path(run_root)] {
        match fs::read(&path) {
            Ok(bytes) => events.extend(
                bytes
                    .split(|byte| *byte == b'\n')
                    .filter_map(|line| serde_json::from_slice(line).ok()),
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::super::{Event, Kind};
    use super::*;

    #[test]
    fn what_is_appended_is_read_in_order_and_broken_lines_are_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let first = Event::new(Kind::Volume, "create", "data").with("driver", "local");
        let second = Event::new(Kind::Volume, "destroy", "data");
        append(dir.path(), &first);
        fs::write(older_path(dir.path()), "{\"kind\":\n").unwrap();
        append(dir.path(), &second);
        assert_eq!(read(dir.path()).unwrap(), [first, second]);
    }

    #[test]
    fn a_long_file_is_put_aside() {
        let dir = tempfile::tempdir().unwrap();
        let event = Event::new(Kind::Image, "pull", "alpine");
        fs::write(path(dir.path()), vec![b'\n'; 8 << 20]).unwrap();
        append(dir.path(), &event);
        assert!(!path(dir.path()).exists());
        assert_eq!(read(dir.path()).unwrap(), [event]);
    }

    #[test]
    fn where_nothing_can_be_written_nothing_fails() {
        append(
            Path::new("/nonexistent"),
            &Event::new(Kind::Image, "pull", "a"),
        );
        assert!(read(Path::new("/nonexistent")).unwrap().is_empty());
    }
}
