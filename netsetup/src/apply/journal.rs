//! The journal of one container: a JSON line a step, written before the step is tried.
//!
//! Each line is one `write`, so a line is whole unless the machine died in it; such a line is
//! ignored, for its step was not tried.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::context::Context;
use super::error::ApplyError;
use crate::plan::Step;

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens the journal to append to it, and makes it when it is missing.
    ///
    /// # Errors
    /// The file cannot be opened or read.
    pub fn open(path: &Path) -> io::Result<Journal> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        // A torn line must not swallow the next one.
        if file.seek(SeekFrom::End(0))? > 0 {
            let mut last = [0u8];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        Ok(Journal {
            path: path.to_owned(),
            file,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a step down.
    ///
    /// # Errors
    /// The line could not be written whole.
    pub fn append(&mut self, step: &Step) -> io::Result<()> {
        let mut line = serde_json::to_vec(step)?;
        line.push(b'\n');
        match self.file.write(&line)? {
            written if written == line.len() => Ok(()),
            _ => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    /// Writes a step down and carries it out.
    ///
    /// # Errors
    /// See [`ApplyError`].
    pub fn apply(&mut self, step: &Step, context: &mut Context<'_>) -> Result<(), ApplyError> {
        self.append(step).map_err(|source| ApplyError::Journal {
            path: self.path.clone(),
            source,
        })?;
        super::run::apply(step, context)?;
        rbox_timing::mark(step.done());
        Ok(())
    }

    /// The steps of the open journal in their order, also when its file was removed meanwhile.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn steps(&self) -> io::Result<Vec<Step>> {
        let mut bytes = Vec::new();
        let mut chunk = [0u8; 4096];
        loop {
            match self.file.read_at(&mut chunk, bytes.len() as u64)? {
                0 => return Ok(parse(&bytes).0),
                count => bytes.extend_from_slice(&chunk[..count]),
            }
        }
    }

    /// Takes steps out that are undone for good, whatever record an endpoint had, and those
    /// that need no undoing.
    ///
    /// # Errors
    /// The journal cannot be read or replaced; it is then as it was.
    pub fn forget(&mut self, undone: &[Step]) -> io::Result<()> {
        let mut temporary = self.path.as_os_str().to_owned();
        temporary.push(".new");
        let temporary = PathBuf::from(temporary);
        let mut lines = Vec::new();
        for step in self.steps()? {
            if !undone.iter().any(|gone| is_same(gone, &step)) && !needs_nothing(&step) {
                serde_json::to_writer(&mut lines, &step)?;
                lines.push(b'\n');
            }
        }
        let replaced = fs::write(&temporary, lines).and_then(|()| {
            let file = OpenOptions::new()
                .read(true)
                .append(true)
                .open(&temporary)?;
            fs::rename(&temporary, &self.path)?;
            Ok(file)
        });
        match replaced {
            Ok(file) => {
                self.file = file;
                Ok(())
            }
            Err(error) => {
                let _ = fs::remove_file(&temporary);
                Err(error)
            }
        }
    }

    /// Whether a journal has lines that are no steps, but for a torn last one: what they named
    /// cannot be undone by it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn is_damaged(path: &Path) -> io::Result<bool> {
        match fs::read(path) {
            Ok(bytes) => Ok(parse(&bytes).1),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The steps in their order; none when there is no journal. Lines that are no step are
    /// skipped.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(path: &Path) -> io::Result<Vec<Step>> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        Ok(parse(&bytes).0)
    }
}

/// The steps, and whether there are whole lines that are none.
fn parse(bytes: &[u8]) -> (Vec<Step>, bool) {
    let mut steps = Vec::new();
    let mut damaged = false;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match serde_json::from_slice(line) {
            Ok(step) => steps.push(step),
            Err(_) => damaged |= line.ends_with(b"\n") && line.len() > 1,
        }
    }
    (steps, damaged)
}

fn is_same(one: &Step, other: &Step) -> bool {
    match (one, other) {
        (
            Step::Publish { endpoint: one, .. },
            Step::Publish {
                endpoint: other, ..
            },
        ) => one.id == other.id,
        _ => one == other,
    }
}

/// Undone with the sandbox, whatever it was.
fn needs_nothing(step: &Step) -> bool {
    matches!(
        step,
        Step::DefaultRoute { .. } | Step::ResolverRedirect { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps() -> Vec<Step> {
        let network = crate::model::network::tests::network("n", &["10.0.0.0/24", "fd00::/64"]);
        let mut steps = crate::plan::endpoint::tests::plan_on(&network, &[]).steps;
        steps.push(Step::NetnsName {
            path: "/run/netns/rbox-ü\n".into(),
        });
        steps.push(Step::ResolverRedirect { udp: 1, tcp: 65535 });
        steps.push(Step::Ports {
            ports: Vec::new(),
            to: "10.0.0.2".parse().unwrap(),
            owner: "o".to_owned(),
            shortcuts: vec!["10.1.0.0/24".parse().unwrap()],
        });
        steps.push(Step::Reach {
            ports: Vec::new(),
            at: "fd00::2".parse().unwrap(),
            interfaces: vec!["eth0".to_owned()],
            owner: "o".to_owned(),
        });
        steps
    }

    #[test]
    fn every_step_survives_the_journal() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        assert!(Journal::read(&path).unwrap().is_empty());
        for step in steps() {
            // Opened anew each time, as by different processes.
            Journal::open(&path).unwrap().append(&step).unwrap();
        }
        assert_eq!(Journal::read(&path).unwrap(), steps());
        assert_eq!(
            fs::read_to_string(&path).unwrap().lines().count(),
            steps().len()
        );
    }

    #[test]
    fn forgotten_steps_are_gone_and_later_ones_are_appended() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let mut journal = Journal::open(&path).unwrap();
        for step in steps() {
            journal.append(&step).unwrap();
        }
        let gone: Vec<Step> = steps()
            .into_iter()
            .filter(|step| matches!(step, Step::NetnsName { .. }))
            .collect();
        journal.forget(&gone).unwrap();
        journal.append(&gone[0]).unwrap();
        let left = Journal::read(&path).unwrap();
        assert_eq!(left.iter().filter(|step| **step == gone[0]).count(), 1);
        assert_eq!(left.last(), Some(&gone[0]));
        assert!(left.len() < steps().len() && !left.iter().any(needs_nothing));
        // Its file may be removed: what is open is enough to undo by.
        fs::remove_file(&path).unwrap();
        assert_eq!(journal.steps().unwrap(), left);
    }

    #[test]
    fn a_line_that_is_no_step_is_damage_but_a_torn_last_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        assert!(!Journal::is_damaged(&path).unwrap());
        Journal::open(&path).unwrap().append(&steps()[0]).unwrap();
        let whole = fs::read(&path).unwrap();
        for (text, damaged) in [
            (&b""[..], false),
            (b"{\"step\":\"ve", false),
            (b"garbage\n", true),
            (b"\n", false),
        ] {
            fs::write(&path, [&whole[..], text].concat()).unwrap();
            assert_eq!(Journal::is_damaged(&path).unwrap(), damaged, "{text:?}");
            assert_eq!(Journal::read(&path).unwrap(), steps()[..1]);
        }
    }

    #[test]
    fn a_journal_cut_anywhere_loses_at_most_the_line_it_was_cut_in() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let mut journal = Journal::open(&path).unwrap();
        for step in steps() {
            journal.append(&step).unwrap();
        }
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let complete = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            let read = Journal::read(&path).unwrap();
            assert!(
                read.len() == complete || read.len() == complete + 1,
                "cut at {cut}"
            );
            assert_eq!(read, steps()[..read.len()]);
            let last = Step::ResolverRedirect { udp: 7, tcp: 7 };
            Journal::open(&path).unwrap().append(&last).unwrap();
            assert_eq!(
                Journal::read(&path).unwrap().last(),
                Some(&last),
                "cut at {cut}"
            );
        }
    }
}
