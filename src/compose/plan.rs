//! What there shall be and what there is make the steps from the one to the other. Pure.
//!
//! A container that is made anew comes into being beside the old one, under a name that says whose
//! place it takes; the old one goes, and the new one gets the name. Whoever is interrupted in
//! between leaves either both, and the new one is thrown away, or the new one, which gets its name.

use std::collections::{BTreeMap, BTreeSet};

use super::names::is_replacement;
use super::request::Recreate;

/// What a service shall be.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Its key.
    pub service: String,
    /// Names of its containers, from number 1 on.
    pub names: Vec<String>,
    /// Of its configuration.
    pub hash: String,
    /// Id of its image.
    pub image: String,
    /// Networks that its containers are on, by name.
    pub networks: BTreeSet<String>,
    /// Services whose containers its own are made with: those' ids are in these.
    pub bound_to: BTreeSet<String>,
    /// Which of its containers are made anew.
    pub recreate: Recreate,
}

/// A container that there is.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Full id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its service.
    pub service: String,
    /// Its number.
    pub number: u32,
    /// Of the configuration that it was made from.
    pub hash: String,
    /// Id of its image.
    pub image: String,
    /// Networks that it is on, by name.
    pub networks: BTreeSet<String>,
    /// Ids of the containers that it was made with.
    pub bound_to: BTreeSet<String>,
}

/// A step for one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make it.
    Create {
        /// Its number.
        number: u32,
    },
    /// Leave it as it is.
    Keep {
        /// Its id.
        id: String,
    },
    /// Make another one in its place.
    Recreate {
        /// The old one's id.
        id: String,
        /// Their number.
        number: u32,
    },
    /// Give it its name: it has taken another one's place, and nobody could say so any more.
    Adopt {
        /// Its id.
        id: String,
        /// The name.
        name: String,
    },
    /// It should have taken the place of one that is still there.
    Discard {
        /// Its id.
        id: String,
    },
    /// There are more than there shall be.
    Remove {
        /// Its id.
        id: String,
    },
}

/// The steps of each service, for services that come after those that they need. Adoptions come
/// first: what follows them is about containers under their own names.
pub fn plan(wanted: &[Wanted], observed: &[Observed]) -> BTreeMap<String, Vec<Step>> {
    let mut steps = BTreeMap::new();
    // Ids of containers that stay, by service.
    let mut steady: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for service in wanted {
        let own: Vec<&Observed> = observed
            .iter()
            .filter(|container| container.service == service.service)
            .collect();
        let planned = of_service(service, &own, &steady);
        let kept = planned.iter().filter_map(|step| match step {
            Step::Keep { id } => Some(id.clone()),
            _ => None,
        });
        let kept = kept.collect();
        steady.insert(&service.service, kept);
        steps.insert(service.service.clone(), planned);
    }
    steps
}

fn of_service(
    wanted: &Wanted,
    own: &[&Observed],
    steady: &BTreeMap<&str, BTreeSet<String>>,
) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut by_number: BTreeMap<u32, &Observed> = BTreeMap::new();
    let (waiting, named): (Vec<&&Observed>, Vec<&&Observed>) = own.iter().partition(|container| {
        name(wanted, container.number).is_some_and(|name| is_replacement(&container.name, name))
    });
    for container in named {
        // Two of one number: somebody gave one of them that label.
        if let Some(other) = by_number.insert(container.number, container) {
            steps.push(remove(other));
        }
    }
    for container in waiting {
        match (
            by_number.get(&container.number),
            name(wanted, container.number),
        ) {
            (None, Some(name)) => {
                by_number.insert(container.number, container);
                steps.push(Step::Adopt {
                    id: container.id.clone(),
                    name: name.to_owned(),
                });
            }
            _ => steps.push(Step::Discard {
                id: container.id.clone(),
            }),
        }
    }
    let count = u32::try_from(wanted.names.len()).unwrap_or(u32::MAX);
    for (_, extra) in by_number.split_off(&(count.saturating_add(1))) {
        steps.push(remove(extra));
    }
    // A number from before the first: a label that somebody wrote.
    if let Some(strange) = by_number.remove(&0) {
        steps.push(remove(strange));
    }
    for number in 1..=count {
        steps.push(match by_number.get(&number) {
            None => Step::Create { number },
            Some(container) if diverged(wanted, container, steady) => Step::Recreate {
                id: container.id.clone(),
                number,
            },
            Some(container) => Step::Keep {
                id: container.id.clone(),
            },
        });
    }
    steps
}

fn name(wanted: &Wanted, number: u32) -> Option<&str> {
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    wanted.names.get(index).map(String::as_str)
}

fn remove(container: &Observed) -> Step {
    Step::Remove {
        id: container.id.clone(),
    }
}

fn diverged(
    wanted: &Wanted,
    container: &Observed,
    steady: &BTreeMap<&str, BTreeSet<String>>,
) -> bool {
    let changed = || {
        container.hash != wanted.hash
            || container.image != wanted.image
            || !wanted.networks.is_subset(&container.networks)
            || !is_bound(wanted, container, steady)
    };
    match wanted.recreate {
        Recreate::Always => true,
        Recreate::Never => false,
        Recreate::Changed => changed(),
    }
}

/// Whether the containers that it was made with are still those of the services that it is bound
/// to. Services that are not looked at this time are as they were.
fn is_bound(
    wanted: &Wanted,
    container: &Observed,
    steady: &BTreeMap<&str, BTreeSet<String>>,
) -> bool {
    wanted
        .bound_to
        .iter()
        .filter_map(|service| steady.get(service.as_str()))
        .all(|ids| !ids.is_disjoint(&container.bound_to))
}

#[cfg(test)]
mod tests;
