//! What a case finds, before anything is made of it: samples, curves, and what was left out.

use serde::{Deserialize, Serialize};

/// What a case hands to the report.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Finding {
    /// Contenders side by side.
    Table(Table),
    /// A cost against a number.
    Curve(Curve),
    /// Where the time of one command goes.
    Trace(Trace),
    /// Something that was not measured.
    Skip(Skip),
}

/// Contenders that took turns.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    /// Stable name, for links and file names: `start-bridge`.
    pub id: String,
    /// One line.
    pub title: String,
    /// What a sample counts.
    pub unit: Unit,
    /// Which way is better.
    pub better: Better,
    /// In the order of their turns; the first is rbox.
    pub contenders: Vec<Contender>,
    /// What was promised about it.
    pub budgets: Vec<Budget>,
    /// Whatever a reader must know to judge it, a sentence each.
    pub notes: Vec<String>,
}

/// One of those that took turns.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contender {
    /// `docker`, `floor`.
    pub name: String,
    /// One a round; those at the same index were taken one after the other.
    pub samples: Vec<f64>,
}

/// A cost against a number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Curve {
    /// Stable name.
    pub id: String,
    /// One line.
    pub title: String,
    /// What is counted on the horizontal axis: `containers running`.
    pub against: String,
    /// What the vertical axis counts.
    pub unit: Unit,
    /// Points of each line, by their horizontal place.
    pub lines: Vec<Line>,
}

/// One line of a [`Curve`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// Whose.
    pub name: String,
    /// Horizontal, vertical.
    pub points: Vec<(f64, f64)>,
}

/// Where the time of one command goes: what `--trace-timing` says, over some rounds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trace {
    /// Stable name.
    pub id: String,
    /// One line.
    pub title: String,
    /// In the order of time.
    pub marks: Vec<Mark>,
}

/// One line of a [`Trace`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// The process: `client`, `monitor`, `process`.
    pub who: String,
    /// What it had done by then.
    pub what: String,
    /// Milliseconds since the command's `main`, one a round.
    pub at: Vec<f64>,
    /// Milliseconds since the same process's mark before; nothing of its first.
    pub took: Vec<f64>,
}

/// Something that was not measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Skip {
    /// The case, or the case and who is missing in it.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// What a sample counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Kilobytes (1,024 bytes, as the kernel counts them).
    Kilobytes,
    /// Bytes.
    Bytes,
    /// Gigabits a second.
    Gigabits,
    /// So many a second.
    PerSecond,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// A time.
    Lower,
    /// A rate.
    Higher,
}

/// A promise about a table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Budget {
    /// In words: `at most twice the kernel's floor`.
    pub says: String,
    /// The same as numbers.
    pub limit: Limit,
}

/// Names are those of the table's contenders.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Limit {
    /// The ratio of two, round by round, its median.
    RatioAtMost { of: String, to: String, limit: f64 },
    /// The same, the other way.
    RatioAtLeast { of: String, to: String, limit: f64 },
    /// The median of one.
    AtMost { of: String, limit: f64 },
    /// The same, the other way.
    AtLeast { of: String, limit: f64 },
}

impl Table {
    /// The contender of this name.
    pub fn contender(&self, name: &str) -> Option<&Contender> {
        self.contenders.iter().find(|one| one.name == name)
    }
}

impl Budget {
    /// Whether its figure is a ratio, and not in the table's unit.
    pub fn is_ratio(&self) -> bool {
        matches!(
            self.limit,
            Limit::RatioAtMost { .. } | Limit::RatioAtLeast { .. }
        )
    }

    /// The figure that counts, and whether it keeps the promise. `None` where one of those that it
    /// is about was not measured.
    pub fn verdict(&self, table: &Table) -> Option<(f64, bool)> {
        let median = |name: &str| table.contender(name)?.spread().map(|spread| spread.median);
        let ratio = |of: &str, to: &str| {
            let ratio = table.contender(of)?.ratio_to(table.contender(to)?)?;
            Some(ratio.median)
        };
        let (value, holds) = match &self.limit {
            Limit::RatioAtMost { of, to, limit } => ratio(of, to).map(|it| (it, it <= *limit))?,
            Limit::RatioAtLeast { of, to, limit } => ratio(of, to).map(|it| (it, it >= *limit))?,
            Limit::AtMost { of, limit } => median(of).map(|it| (it, it <= *limit))?,
            Limit::AtLeast { of, limit } => median(of).map(|it| (it, it >= *limit))?,
        };
        Some((value, holds))
    }
}
