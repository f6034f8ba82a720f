//! What the machine says about its tests.

use std::collections::BTreeSet;
use std::path::Path;

use super::boot::End;
use super::programs::Runs;
use crate::results::{Counts, Report};

/// Lines of the kernel's messages that are shown when the machine did not come to its end.
const LAST_WORDS: usize = 40;

/// Gathered line by line.
#[derive(Debug, Default)]
pub struct Results {
    /// The machine's name.
    machine: &'static str,
    counts: Vec<Counts>,
    /// Names of tests that were started.
    names: BTreeSet<String>,
    skips: Vec<String>,
    code: Option<i32>,
    /// Parts of names that must be found.
    wanted: Vec<String>,
    /// How many programs there are.
    programs: usize,
}

impl Results {
    /// Nothing yet of these programs.
    pub fn of(machine: &'static str, runs: &Runs) -> Self {
        let mut wanted: Vec<String> = runs.runs.iter().flat_map(|run| run.tests.clone()).collect();
        wanted.sort();
        wanted.dedup();
        Self {
            machine,
            wanted,
            programs: runs.runs.len(),
            ..Self::default()
        }
    }

    /// Takes in one line of the second serial port.
    pub fn line(&mut self, line: &str) {
        if let Some(counts) = Counts::of_line(line) {
            self.counts.push(counts);
        } else if let Some(name) = test_name(line) {
            self.names.insert(name.to_owned());
        } else if let Some(skip) = line.strip_prefix("VM-SKIPPED ") {
            let of = format!(" ({}): ", self.machine);
            self.skips.push(skip.replacen(": ", &of, 1));
        } else if let Some(code) = line.strip_prefix("VM-EXIT-CODE=") {
            self.code = code.parse().ok();
        }
    }

    /// Adds all to the report; what is missing is a failure.
    pub fn end(self, end: End, console: &Path, report: &mut Report) {
        let complaints = self.complaints(end);
        let failed_before = report.failed();
        for counts in &self.counts {
            report.add(*counts);
        }
        report.skipped_themselves(self.skips.iter().map(String::as_str));
        for complaint in &complaints {
            println!("== {}: FAILED: {complaint}", self.machine);
            report.add(Counts::one(false));
        }
        if self.code != Some(0) && report.failed() == failed_before {
            println!(
                "== {}: FAILED: a program died although none of its tests is known to have",
                self.machine
            );
            report.add(Counts::one(false));
        }
        if self.code.is_none() {
            last_words(console);
        }
    }

    fn complaints(&self, end: End) -> Vec<String> {
        let mut complaints = Vec::new();
        match (end, self.code) {
            (End::Hung(patience), _) => complaints.push(format!(
                "the machine was ended after {} s",
                patience.as_secs()
            )),
            (End::Off, None) => {
                complaints.push("the machine went off before its tests had ended".to_owned());
            }
            (End::Off, Some(_)) if self.counts.len() < self.programs => complaints.push(format!(
                "only {} of {} test programs came to their end",
                self.counts.len(),
                self.programs
            )),
            (End::Off, Some(_)) => {
                let found = |part: &&String| self.names.iter().any(|name| name.contains(*part));
                complaints.extend(
                    self.wanted
                        .iter()
                        .filter(|part| !found(part))
                        .map(|part| format!("there is no test {part}")),
                );
            }
        }
        complaints
    }
}

/// Of `test a::b ... ok`.
fn test_name(line: &str) -> Option<&str> {
    let (name, _) = line.strip_prefix("test ")?.split_once(" ...")?;
    (!name.contains(' ')).then_some(name)
}

fn last_words(console: &Path) {
    let text = std::fs::read(console).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    println!("== vm: the kernel's last words ({}):", console.display());
    for line in &lines[lines.len().saturating_sub(LAST_WORDS)..] {
        println!("   {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";

    fn results(lines: &[&str]) -> Results {
        let mut results = Results {
            machine: "vm",
            wanted: vec!["limits::".to_owned()],
            programs: 1,
            ..Results::default()
        };
        lines.iter().for_each(|line| results.line(line));
        results
    }

    #[test]
    fn nothing_to_complain_about() {
        let results = results(&["test limits::pids ... ok", GOOD, "VM-EXIT-CODE=0"]);
        assert_eq!(results.complaints(End::Off), Vec::<String>::new());
        assert_eq!(results.counts[0].passed, 2);
    }

    #[test]
    fn a_name_that_no_test_has_is_a_failure() {
        let results = results(&["test other::pids ... ok", GOOD, "VM-EXIT-CODE=0"]);
        assert_eq!(results.complaints(End::Off), ["there is no test limits::"]);
    }

    #[test]
    fn a_machine_that_says_nothing_failed() {
        let said = results(&["test limits::pids ... ok", GOOD]).complaints(End::Off);
        assert_eq!(said, ["the machine went off before its tests had ended"]);
        let said = results(&[]).complaints(End::Hung(Duration::from_secs(9)));
        assert_eq!(said, ["the machine was ended after 9 s"]);
    }

    #[test]
    fn a_program_that_died_failed() {
        let said = results(&["test limits::pids ... ok", "VM-EXIT-CODE=1"]).complaints(End::Off);
        assert_eq!(said, ["only 0 of 1 test programs came to their end"]);
    }

    #[test]
    fn skips_are_told_from_those_of_this_machine() {
        let results = results(&["VM-SKIPPED a::b: no IPv6"]);
        assert_eq!(results.skips, ["a::b (vm): no IPv6"]);
    }

    use std::time::Duration;
}
