//! `container prune`.

use std::collections::BTreeMap;

use crate::cli::call::{Arity, Call, Spec, say};
use crate::cli::parse::filter::{self, Filters};
use crate::cli::parse::time;
use crate::cli::stop::Outcome;
use crate::cli::system::prompt;
use crate::output::units;

/// `container prune`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS]",
    about: "Remove all stopped containers",
    arity: Arity::Exactly(0),
    interspersed: true,
    run,
    examples: "\
rbox container prune
rbox container prune -f --filter until=24h
",
    ..Spec::of::<Prune>()
};

#[derive(clap::Parser)]
struct Prune {
    /// Provide filter values (e.g. "until=<timestamp>")
    #[arg(long, value_name = "filter", value_parser = filter::filter)]
    filter: Vec<(String, String)>,
    /// Do not prompt for confirmation
    #[arg(short, long)]
    force: bool,
}

fn run(call: &Call) -> Outcome {
    let line: Prune = call.parse()?;
    let chosen = Chosen::new(&line.filter)?;
    if !line.force && !prompt::confirm("WARNING! This will remove all stopped containers.") {
        return Ok(0);
    }
    let pruned = call.engine()?.prune_containers(&|container| {
        !chosen.takes(&container.record.config.labels, &container.record.created)
    })?;
    if !pruned.ids.is_empty() {
        say(&format!(
            "Deleted Containers:\n{}\n\n",
            pruned.ids.join("\n")
        ));
    }
    say(&format!(
        "Total reclaimed space: {}\n",
        units::size(pruned.reclaimed, 4)
    ));
    Ok(0)
}

/// What a prune takes: `label`, `label!` and `until`.
pub struct Chosen {
    filters: Filters,
    /// Seconds since 1970.
    until: Option<i64>,
}

impl Chosen {
    /// Reads the filters.
    pub fn new(filters: &[(String, String)]) -> Result<Chosen, crate::cli::stop::Stop> {
        Chosen::with(filters, &["label", "label!", "until"])
    }

    /// Reads the filters of a command that has these.
    pub fn with(
        filters: &[(String, String)],
        allowed: &[&str],
    ) -> Result<Chosen, crate::cli::stop::Stop> {
        let filters = Filters::new(filters, allowed)?;
        let until = match filters.get("until") {
            [] => None,
            [text] => Some(prompt::before(text).ok_or_else(|| filters.refuse("until", text))?),
            _ => {
                return Err(crate::cli::stop::Stop::failed(
                    "more than one until filter specified",
                ));
            }
        };
        Ok(Chosen { filters, until })
    }

    /// A filter that is true or false; `None` when not given.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, crate::cli::stop::Stop> {
        Ok(self.filters.flag(name)?)
    }

    /// Whether what was last used at this time, seconds since 1970, goes.
    pub fn takes_time(&self, seconds: i64) -> bool {
        self.until.is_none_or(|until| seconds < until)
    }

    /// Whether an object with these labels and this creation time goes.
    pub fn takes(&self, labels: &BTreeMap<String, String>, created: &str) -> bool {
        let old = self
            .until
            .is_none_or(|until| time::seconds(created).is_some_and(|created| created < until));
        old && self.filters.labels(labels)
    }
}

#[cfg(test)]
mod tests {
    use super::Chosen;

    #[test]
    fn age_and_labels_choose() {
        let filter = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        let labels = [("keep".to_owned(), "1".to_owned())].into();
        let old = "2006-01-02T15:04:05Z";
        assert!(
            !Chosen::new(&filter("label!", "keep"))
                .unwrap()
                .takes(&labels, old)
        );
        assert!(
            Chosen::new(&filter("label", "keep=1"))
                .unwrap()
                .takes(&labels, old)
        );
        assert!(
            Chosen::new(&filter("until", "1h"))
                .unwrap()
                .takes(&labels, old)
        );
        assert!(
            !Chosen::new(&filter("until", "1000000h"))
                .unwrap()
                .takes(&labels, old)
        );
        assert!(Chosen::new(&filter("bogus", "1")).is_err());
    }
}
