//! One operation on several containers at the same time, told in the order in which they were named.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::cli::call::say;
use crate::engine::Failure;
use crate::output::error;

/// Most of an end is waiting for the kernel.
const WORKERS: usize = 32;

/// Does `act` for each name, and says the name or prints the failure; 1 when there were any, apart
/// from those that `forgive` lets pass.
pub fn side_by_side(
    names: &[String],
    act: impl Fn(&str) -> Result<(), Failure> + Sync,
    forgive: impl Fn(&Failure) -> bool,
) -> u8 {
    let mut code = 0;
    in_order(names, act, |name, outcome| match outcome {
        Ok(()) => say(&format!("{name}\n")),
        Err(failure) => {
            error::print(&failure);
            if !forgive(&failure) {
                code = 1;
            }
        }
    });
    code
}

/// `tell` hears of each as early as the order allows.
fn in_order<R: Send>(
    names: &[String],
    act: impl Fn(&str) -> R + Sync,
    mut tell: impl FnMut(&str, R),
) {
    let distinct = names.iter().collect::<BTreeSet<_>>().len() == names.len();
    if names.len() < 2 || !distinct {
        // The second of two equal names finds what the first has left.
        for name in names {
            tell(name, act(name));
        }
        return;
    }
    let next = AtomicUsize::new(0);
    let (done, outcomes) = mpsc::channel();
    let work = |done: mpsc::Sender<(usize, R)>| {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(name) = names.get(index) else { break };
            if done.send((index, act(name))).is_err() {
                break;
            }
        }
    };
    let work = &work;
    thread::scope(|scope| {
        let workers = (0..names.len().min(WORKERS))
            .take_while(|_| {
                let done = done.clone();
                let thread = thread::Builder::new();
                thread.spawn_scoped(scope, move || work(done)).is_ok()
            })
            .count();
        if workers == 0 {
            // Not one thread to be had.
            work(done.clone());
        }
        drop(done);
        let mut early = BTreeMap::new();
        let mut untold = names.iter().enumerate().peekable();
        for (index, outcome) in outcomes {
            early.insert(index, outcome);
            while let Some((name, outcome)) = untold
                .peek()
                .and_then(|(index, name)| Some((name, early.remove(index)?)))
            {
                tell(name, outcome);
                untold.next();
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::in_order;

    fn told(names: &[&str], act: impl Fn(&str) -> String + Sync) -> Vec<String> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut told = Vec::new();
        in_order(&names, act, |name, outcome| {
            told.push(format!("{name}={outcome}"))
        });
        told
    }

    #[test]
    fn the_first_is_told_first_though_it_takes_longest() {
        let waits = |name: &str| {
            std::thread::sleep(Duration::from_millis(if name == "a" { 50 } else { 0 }));
            name.to_uppercase()
        };
        assert_eq!(told(&["a", "b", "c"], waits), ["a=A", "b=B", "c=C"]);
        assert_eq!(told(&["a", "a"], waits), ["a=A", "a=A"]);
    }

    #[test]
    fn more_than_there_are_workers_are_done() {
        let names: Vec<String> = (0..100).map(|number| number.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(told(&names, str::to_owned).len(), 100);
    }
}
