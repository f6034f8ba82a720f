//! What is made of findings.
//!
//! ```text
//! Group ─▶ Results ─┬─▶ terminal       tables while it runs, all ratios at its end
//!                   └─▶ results.json ─▶ benchmarks.md, *.svg, the tables of performance.md
//! ```
//!
//! `results.json` is the record; the documents say nothing that is not in it, and are made of it
//! anew at any time.

mod documents;
mod figure;
mod machine;
mod markdown;
mod performance;
mod plot;
mod record;
mod recorder;
pub mod terminal;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::cases;
use crate::finding::{Budget, Finding, Skip, Table};

pub use documents::{read, write};
pub use machine::{Machine, date, load};
pub use recorder::Recorder;

/// Everything that is known, and where it was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    /// Where.
    pub machine: Machine,
    /// What each program says of itself.
    pub versions: Vec<String>,
    /// What could not take part at all.
    pub skips: Vec<Skip>,
    /// In the order of the cases.
    pub groups: Vec<Group>,
}

/// What one case found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Group {
    /// The case.
    pub name: String,
    /// What it is about.
    pub about: String,
    /// When it began.
    pub date: String,
    /// The machine's load average over one minute before it began.
    pub load: String,
    /// In its order.
    pub findings: Vec<Finding>,
    /// What it left out.
    pub skips: Vec<Skip>,
}

impl Results {
    /// Puts groups that were measured again into the place of those of before.
    pub fn renew(&mut self, newer: Results) -> Result<()> {
        self.same_machine(&newer.machine)?;
        self.versions = newer.versions;
        self.skips = newer.skips;
        for group in newer.groups {
            self.groups.retain(|old| old.name != group.name);
            self.groups.push(group);
        }
        let place = |group: &Group| cases::ALL.iter().position(|case| case.name == group.name);
        self.groups.sort_by_key(place);
        Ok(())
    }

    fn same_machine(&self, machine: &Machine) -> Result<()> {
        ensure!(
            self.machine == *machine,
            "the results that are there are of another machine: measure all cases"
        );
        Ok(())
    }

    /// Every table.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        let findings = self.groups.iter().flat_map(|group| &group.findings);
        findings.filter_map(|finding| match finding {
            Finding::Table(table) => Some(table),
            _ => None,
        })
    }

    /// Every budget with its table.
    pub fn budgets(&self) -> impl Iterator<Item = (&Table, &Budget)> {
        self.tables()
            .flat_map(|table| table.budgets.iter().map(move |budget| (table, budget)))
    }

    /// All that was left out, with the case where it was one's.
    pub fn all_skips(&self) -> impl Iterator<Item = (Option<&str>, &Skip)> {
        let groups = self.groups.iter().flat_map(|group| {
            let found = group.findings.iter().filter_map(|finding| match finding {
                Finding::Skip(skip) => Some(skip),
                _ => None,
            });
            let all = group.skips.iter().chain(found);
            all.map(|skip| (Some(group.name.as_str()), skip))
        });
        self.skips.iter().map(|skip| (None, skip)).chain(groups)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Of cases and their dates.
    pub fn results(groups: &[(&str, &str)]) -> Results {
        let group = |(name, date): &(&str, &str)| Group {
            name: (*name).to_owned(),
            about: String::new(),
            date: (*date).to_owned(),
            load: String::new(),
            findings: Vec::new(),
            skips: Vec::new(),
        };
        Results {
            machine: Machine::this(),
            versions: Vec::new(),
            skips: Vec::new(),
            groups: groups.iter().map(group).collect(),
        }
    }

    /// The other way.
    pub fn names_and_dates(results: &Results) -> Vec<(&str, &str)> {
        let groups = results.groups.iter();
        groups.map(|group| (&*group.name, &*group.date)).collect()
    }

    #[test]
    fn cases_measured_again_take_the_place_of_the_old_ones() {
        let mut all = results(&[("start", "old"), ("size", "old")]);
        all.renew(results(&[("oci", "new"), ("start", "new")]))
            .unwrap();
        assert_eq!(
            names_and_dates(&all),
            [("start", "new"), ("oci", "new"), ("size", "old")]
        );
    }

    #[test]
    fn figures_of_two_machines_do_not_mix() {
        let mut all = results(&[("start", "old")]);
        all.machine.processors = "1 × Another".to_owned();
        assert!(all.renew(results(&[("start", "new")])).is_err());
    }
}
