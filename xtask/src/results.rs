//! How tests ended: read from their output, added up, told in the closing line.

use std::collections::BTreeSet;
use std::process::ExitCode;

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that did what they promise.
    pub passed: usize,
    /// Tests that did not, and programs that died.
    pub failed: usize,
    /// Tests that could not run here.
    pub skipped: usize,
}

impl Counts {
    /// One check that passes or fails as a whole.
    pub fn one(passed: bool) -> Self {
        Self {
            passed: passed.into(),
            failed: (!passed).into(),
            skipped: 0,
        }
    }

    /// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; …`.
    pub fn of_line(line: &str) -> Option<Self> {
        let (_, fields) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let count = |what: &str| {
            fields
                .split(';')
                .find_map(|field| field.trim().strip_suffix(what)?.trim().parse().ok())
        };
        Some(Self {
            passed: count("passed")?,
            failed: count("failed")?,
            skipped: count("ignored")?,
        })
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// What is known about a whole run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    counts: Counts,
    /// What was skipped and why, each a line.
    skips: Vec<String>,
}

impl Report {
    /// Adds tests that ended.
    pub fn add(&mut self, counts: Counts) {
        self.counts.add(counts);
    }

    /// How many failed until now.
    pub fn failed(&self) -> usize {
        self.counts.failed
    }

    /// Something was not done at all.
    pub fn skipped(&mut self, what: &str, reason: &str) {
        self.counts.skipped += 1;
        self.skips.push(format!("{what}: {reason}"));
    }

    /// Tests that skipped themselves, as lines `TEST: REASON`. They were counted as passed, since
    /// the test harness knows no other word for them.
    pub fn skipped_themselves<'a>(&mut self, lines: impl Iterator<Item = &'a str>) {
        let lines: BTreeSet<&str> = lines.collect();
        let tests: BTreeSet<&str> = lines
            .iter()
            .map(|line| line.split_once(": ").map_or(*line, |(test, _)| test))
            .collect();
        self.counts.skipped += tests.len();
        self.counts.passed = self.counts.passed.saturating_sub(tests.len());
        self.skips
            .extend(lines.into_iter().map(|line| line.to_owned()));
    }

    /// Success if nothing failed.
    pub fn exit_code(&self) -> ExitCode {
        if self.counts.failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    /// Prints what was skipped and the closing line.
    pub fn print(&self) {
        if !self.skips.is_empty() {
            println!("\nSkipped, because this machine lacks something:");
            self.skips.iter().for_each(|line| println!("  {line}"));
        }
        let Counts {
            passed,
            failed,
            skipped,
        } = self.counts;
        println!("\n{passed} passed, {failed} failed, {skipped} skipped");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_added_up_and_other_lines_are_not() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 7 filtered \
                    out; finished in 0.52s";
        assert_eq!(
            Counts::of_line(line),
            Some(Counts {
                passed: 12,
                failed: 3,
                skipped: 1
            })
        );
        assert_eq!(Counts::of_line("test result: none of that"), None);
        assert_eq!(Counts::of_line("test plan::tests::result: ok"), None);
    }

    #[test]
    fn a_test_that_skipped_itself_is_skipped_once_and_not_passed() {
        let mut report = Report::default();
        report.add(Counts {
            passed: 5,
            failed: 1,
            skipped: 1,
        });
        report.skipped_themselves(["a::b: no IPv6", "a::b: no SCTP", "a::c: no root"].into_iter());
        assert_eq!(
            report.counts,
            Counts {
                passed: 3,
                failed: 1,
                skipped: 3
            }
        );
    }

    #[test]
    fn what_was_not_done_at_all_is_skipped_and_was_never_passed() {
        let mut report = Report::default();
        report.add(Counts::one(true));
        report.skipped("vm", "no qemu");
        assert_eq!((report.counts.passed, report.counts.skipped), (1, 1));
        assert_eq!(report.skips, ["vm: no qemu"]);
    }
}
