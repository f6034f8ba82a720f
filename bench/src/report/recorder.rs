//! The record while it is made: written after every case, so that a run that is killed has lost no
//! more than the case that it was at. Each group tells when it was measured.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Machine, Results, read, write};

/// Where a run is recorded.
pub struct Recorder {
    directory: PathBuf,
    /// What was measured before on this machine.
    before: Option<Results>,
    /// All cases are measured.
    whole: bool,
}

impl Recorder {
    /// Into the documents of a directory. A whole run on another machine than that of before begins
    /// anew; some cases of another machine's are refused, before they are measured.
    pub fn open(directory: &Path, machine: &Machine, whole: bool) -> Result<Recorder> {
        let mut before = read(directory)?;
        if whole {
            before = before.filter(|before| before.machine == *machine);
        } else if let Some(before) = &before {
            before.same_machine(machine)?;
        }
        Ok(Recorder {
            directory: directory.to_owned(),
            before,
            whole,
        })
    }

    /// What this run has found so far, in the place of what was there of it.
    pub fn keep(&self, found: &Results) -> Result<()> {
        write(&self.directory, &self.with(found)?)
    }

    /// All is measured. Of before only what this run was not asked for stays.
    pub fn finish(&self, found: &Results) -> Result<()> {
        match self.whole {
            true => write(&self.directory, found),
            false => self.keep(found),
        }
    }

    fn with(&self, found: &Results) -> Result<Results> {
        match &self.before {
            Some(before) => {
                let mut all = before.clone();
                all.renew(found.clone())?;
                Ok(all)
            }
            None => Ok(found.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{names_and_dates, results};

    fn recorder(before: Option<Results>) -> Recorder {
        Recorder {
            directory: PathBuf::new(),
            before,
            whole: true,
        }
    }

    #[test]
    fn what_a_killed_run_had_not_come_to_is_still_that_of_before() {
        let recorder = recorder(Some(results(&[("start", "old"), ("size", "old")])));
        let all = recorder.with(&results(&[("start", "new")])).unwrap();
        assert_eq!(names_and_dates(&all), [("start", "new"), ("size", "old")]);
        // The next case comes on top of the same.
        let found = results(&[("start", "new"), ("oci", "new")]);
        let all = recorder.with(&found).unwrap();
        assert_eq!(
            names_and_dates(&all),
            [("start", "new"), ("oci", "new"), ("size", "old")]
        );
    }

    #[test]
    fn the_first_run_is_all_there_is() {
        let all = recorder(None).with(&results(&[("oci", "new")])).unwrap();
        assert_eq!(names_and_dates(&all), [("oci", "new")]);
    }
}
