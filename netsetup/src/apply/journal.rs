//! The journal of one container: a JSON line a step, written before the step is tried.
//!
//! Each line is one `write`, so a line is whole unless the machine died in it; such a line is
//! ignored, for its step was not tried.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
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
        super::run::apply(step, context)
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
        let lines = bytes.split(|byte| *byte == b'\n');
        Ok(lines
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect())
    }
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
