//! Work on services in the order of their dependencies, independent ones at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::engine::Failure;

/// At most so many at the same time: a file may name any number.
const WORKERS: usize = 32;

/// What each one waits for, by name. Names that are not keys are not waited for.
pub type Graph = BTreeMap<String, BTreeSet<String>>;

/// The same graph the other way round: each one waits for those that waited for it.
pub fn reversed(graph: &Graph) -> Graph {
    let mut other: Graph = graph
        .keys()
        .map(|name| (name.clone(), BTreeSet::new()))
        .collect();
    for (name, needed) in graph {
        for needed in needed {
            if let Some(waiting) = other.get_mut(needed) {
                waiting.insert(name.clone());
            }
        }
    }
    other
}

/// Does `work` for each name after it is done for all that it waits for. Once one has failed
/// nothing new is begun; what is under way goes on to its end. The graph has no circles.
///
/// # Errors
/// The first failure.
pub fn walk(
    graph: &Graph,
    work: &(dyn Fn(&str) -> Result<(), Failure> + Sync),
) -> Result<(), Failure> {
    let board = Board {
        state: Mutex::new(State {
            waiting: graph.clone(),
            ..State::default()
        }),
        changed: Condvar::new(),
    };
    std::thread::scope(|scope| {
        // The caller works, too.
        for _ in 1..graph.len().min(WORKERS) {
            scope.spawn(|| board.work(work));
        }
        board.work(work);
    });
    let state = board
        .state
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    match state.failure {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// Does `work` for all of them at the same time, and for all although some fail.
///
/// # Errors
/// The first failure.
pub fn each<T: Sync>(
    items: &[T],
    work: &(dyn Fn(&T) -> Result<(), Failure> + Sync),
) -> Result<(), Failure> {
    let failure = Mutex::new(None);
    let graph = (0..items.len())
        .map(|index| (format!("{index:010}"), BTreeSet::new()))
        .collect();
    walk(&graph, &|index| {
        let item = index.parse().ok().and_then(|index: usize| items.get(index));
        if let Some(Err(error)) = item.map(work) {
            locked(&failure).get_or_insert(error);
        }
        Ok(())
    })?;
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

#[derive(Default)]
struct State {
    waiting: Graph,
    under_way: BTreeSet<String>,
    failure: Option<Failure>,
}

struct Board {
    state: Mutex<State>,
    changed: Condvar,
}

impl Board {
    fn work(&self, work: &(dyn Fn(&str) -> Result<(), Failure> + Sync)) {
        while let Some(name) = self.next() {
            let result = work(&name);
            let mut state = locked(&self.state);
            state.under_way.remove(&name);
            if let Err(failure) = result {
                state.failure.get_or_insert(failure);
            }
            self.changed.notify_all();
        }
    }

    /// One that may begin; waits for one. `None` when there is nothing more to begin.
    fn next(&self) -> Option<String> {
        let mut state = locked(&self.state);
        loop {
            if state.failure.is_some() || state.waiting.is_empty() {
                return None;
            }
            if let Some(name) = state.ready() {
                state.waiting.remove(&name);
                state.under_way.insert(name.clone());
                return Some(name);
            }
            // In a circle nobody ever begins.
            if state.under_way.is_empty() {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl State {
    /// One whose needs are neither waiting nor under way.
    fn ready(&self) -> Option<String> {
        let is_open =
            |name: &String| self.waiting.contains_key(name) || self.under_way.contains(name);
        let mut waiting = self.waiting.iter();
        let found = waiting.find(|(_, needed)| !needed.iter().any(is_open));
        found.map(|(name, _)| name.clone())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn graph(pairs: &[(&str, &[&str])]) -> Graph {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        pairs
            .iter()
            .map(|(name, needed)| ((*name).to_owned(), names(needed)))
            .collect()
    }

    fn order(graph: &Graph) -> Vec<String> {
        let order = Mutex::new(Vec::new());
        walk(graph, &|name| {
            locked(&order).push(name.to_owned());
            Ok(())
        })
        .unwrap();
        order.into_inner().unwrap()
    }

    #[test]
    fn each_comes_after_what_it_waits_for_and_once() {
        let chain = graph(&[("a", &["b"]), ("b", &["c", "stranger"]), ("c", &[])]);
        assert_eq!(order(&chain), ["c", "b", "a"]);
        assert_eq!(order(&reversed(&chain)), ["a", "b", "c"]);
        assert!(order(&Graph::new()).is_empty());
    }

    #[test]
    fn independent_ones_are_done_at_the_same_time() {
        let both = Barrier::new(2);
        walk(&graph(&[("a", &[]), ("b", &[])]), &|_| {
            both.wait();
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn after_a_failure_nothing_is_begun() {
        let chain = graph(&[("a", &["b"]), ("b", &["c"]), ("c", &[])]);
        let begun = Mutex::new(Vec::new());
        let failure = walk(&chain, &|name| {
            locked(&begun).push(name.to_owned());
            match name {
                "b" => Err(Failure::new("no")),
                _ => Ok(()),
            }
        });
        assert_eq!(failure.unwrap_err().message, "no");
        assert_eq!(begun.into_inner().unwrap(), ["c", "b"]);
    }

    #[test]
    fn items_without_an_order_are_all_done_although_some_fail() {
        let done = Mutex::new(BTreeSet::new());
        let items: Vec<u32> = (0..100).collect();
        let failure = each(&items, &|item| {
            locked(&done).insert(*item);
            match item {
                3 => Err(Failure::new("three")),
                _ => Ok(()),
            }
        });
        assert_eq!(failure.unwrap_err().message, "three");
        assert_eq!(done.into_inner().unwrap().len(), 100);
    }
}
