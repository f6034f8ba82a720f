//! Resolvers under Debian's dnsperf, asked from inside one container: rbox's, Docker's embedded
//! one, and aardvark-dns of Podman's networks.

use anyhow::Result;

use crate::field::{Case, Field, Need};
use crate::finding::{Better, Budget, Contender, Finding, Limit, Table, Unit};
use crate::network::dnsperf::{Asker, Dnsperf, Paced, Saturated};

/// Answers a second, their price, and how long they take.
pub const CASE: Case = Case {
    name: "resolver",
    about: "answers a second, processor time an answer, and p99, by dnsperf from one container",
    quick: true,
    needs: &[Need::Peers],
    run,
};

/// What one resolver did, a sample a round.
#[derive(Default)]
struct Record {
    saturated: Vec<Saturated>,
    paced: Vec<Paced>,
}

fn run(field: &Field) -> Result<Vec<Finding>> {
    let Some(dnsperf) = Dnsperf::find(field)? else {
        return Ok(Vec::new());
    };
    let mut askers = Vec::new();
    for engine in field.engines() {
        match Asker::new(engine) {
            Ok(asker) => askers.push(asker),
            Err(error) if engine.name == field.rbox.name => return Err(error),
            Err(error) => field.skip(format!("resolver: {}", engine.name), format!("{error:#}")),
        }
    }
    let mut records: Vec<Record> = askers.iter().map(|_| Record::default()).collect();
    // The first round is to warm up.
    for round in 0..=field.rounds(5) {
        for (asker, record) in askers.iter().zip(&mut records) {
            let sample = dnsperf.saturate(asker)?;
            record.saturated.extend((round > 0).then_some(sample));
        }
        // Who has answered that much is warm for this, too.
        for (asker, record) in askers.iter().zip(&mut records).filter(|_| round > 0) {
            record.paced.push(dnsperf.pace(asker)?);
        }
    }
    let of = |sample: fn(&Record) -> Vec<f64>| -> Vec<Contender> {
        let both = askers.iter().zip(&records);
        both.map(|(asker, record)| Contender {
            name: asker.name.into(),
            samples: sample(record),
        })
        .collect()
    };
    let lost = askers.iter().zip(&records).map(|(asker, record)| {
        let lost: u64 = record.saturated.iter().map(|sample| sample.lost).sum();
        format!("{} {lost}", asker.name)
    });
    let lost = lost.collect::<Vec<_>>().join(", ");
    Ok(tables(of, field.rbox.name, &lost)
        .into_iter()
        .map(Finding::Table)
        .collect())
}

fn tables(
    of: impl Fn(fn(&Record) -> Vec<f64>) -> Vec<Contender>,
    ours: &str,
    lost: &str,
) -> [Table; 4] {
    let budget = |says: &str, limit| Budget {
        says: says.into(),
        limit,
    };
    let saturated = "dnsperf keeps 32 questions under way; two names of one network.";
    let paced =
        "dnsperf asks 5,000 a second, which each resolver can answer; two names of one network.";
    [
        Table {
            id: "resolver-rate".into(),
            title: "Resolver: answers a second to one container".into(),
            unit: Unit::PerSecond,
            better: Better::Higher,
            contenders: of(|record| each(&record.saturated, |sample| sample.rate)),
            budgets: vec![budget(
                "at least 50,000 answers a second",
                Limit::AtLeast {
                    of: ours.into(),
                    limit: 50_000.0,
                },
            )],
            notes: vec![
                saturated.into(),
                format!("Questions without answer: {lost}."),
            ],
        },
        Table {
            id: "resolver-cost".into(),
            title: "Resolver: processor time an answer".into(),
            unit: Unit::Microseconds,
            better: Better::Lower,
            contenders: of(|record| each(&record.saturated, |sample| sample.cost)),
            budgets: Vec::new(),
            notes: vec![
                saturated.into(),
                "User and system time of the process that answers: the container's monitor, \
                 dockerd, aardvark-dns."
                    .into(),
            ],
        },
        Table {
            id: "resolver-median".into(),
            title: "Resolver: how long an answer takes, median".into(),
            unit: Unit::Milliseconds,
            better: Better::Lower,
            contenders: of(|record| each(&record.paced, |sample| sample.median)),
            budgets: Vec::new(),
            notes: vec![paced.into()],
        },
        Table {
            id: "resolver-p99".into(),
            title: "Resolver: how long an answer takes, 99th percentile".into(),
            unit: Unit::Milliseconds,
            better: Better::Lower,
            contenders: of(|record| each(&record.paced, |sample| sample.p99)),
            budgets: vec![budget(
                "p99 at most 1 ms",
                Limit::AtMost {
                    of: ours.into(),
                    limit: 1.0,
                },
            )],
            notes: vec![paced.into()],
        },
    ]
}

fn each<T>(samples: &[T], figure: impl Fn(&T) -> f64) -> Vec<f64> {
    samples.iter().map(figure).collect()
}
