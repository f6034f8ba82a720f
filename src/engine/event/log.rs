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

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::follow::Follower;
    use super::*;

    fn known(run_root: &Path) -> Vec<Event> {
        let mut events = Vec::new();
        let mut follower = Follower::new(run_root, true).unwrap();
        follower.look(&mut |event| events.push(event)).unwrap();
        events
    }

    #[test]
    fn what_is_appended_is_read_in_order_and_broken_lines_are_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let first = Event::new(Kind::Volume, "create", "data").with("driver", "local");
        let second = Event::new(Kind::Volume, "destroy", "data");
        append(dir.path(), &first);
        fs::write(older_path(dir.path()), "{\"kind\":\n").unwrap();
        append(dir.path(), &second);
        assert_eq!(known(dir.path()), [first, second]);
    }

    #[test]
    fn a_long_file_is_put_aside() {
        let dir = tempfile::tempdir().unwrap();
        let event = Event::new(Kind::Image, "pull", "alpine");
        fs::write(path(dir.path()), vec![b'\n'; 8 << 20]).unwrap();
        append(dir.path(), &event);
        assert!(!path(dir.path()).exists());
        assert_eq!(known(dir.path()), [event]);
    }

    #[test]
    fn where_nothing_can_be_written_nothing_fails() {
        append(
            Path::new("/nonexistent"),
            &Event::new(Kind::Image, "pull", "a"),
        );
    }
}
