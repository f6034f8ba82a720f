//! The stages of a plan, built: independent ones beside each other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rbox_images::Workspace;

use super::base::BaseImage;
use super::error::BuildError;
use super::flights::Flights;
use super::input::Input;
use super::plan::Plan;
use super::progress::Progress;
use super::request::BuildRequest;
use super::run::Cancel;
use super::scope::Given;
use super::stage;
use super::state::State;
use crate::engine::Engine;

/// Stages at a time: most of what they do is waiting for processes.
const AT_ONCE: usize = 8;

/// All that the stages of one build share.
pub struct Build<'a> {
    /// Where everything is.
    pub engine: &'a Engine,
    /// What is asked for.
    pub request: &'a BuildRequest,
    /// `--build-arg` and what goes with it.
    pub given: &'a Given,
    /// The Dockerfile and the context.
    pub input: &'a Input,
    /// Of the Dockerfile.
    pub escape: char,
    /// Images by the names written.
    pub bases: BTreeMap<String, Arc<BaseImage>>,
    /// For trees in the making.
    pub workspace: &'a Workspace,
    /// Who is told.
    pub progress: &'a Progress<'a>,
    /// Ends the steps that run.
    pub cancel: Cancel,
    /// What steps made so far.
    pub flights: Flights,
}

/// How far the stages are.
struct Table {
    waiting: BTreeSet<usize>,
    built: Vec<Option<Arc<State>>>,
    failed: Option<BuildError>,
}

/// Builds all stages, and returns the target's state. The first failure ends the others.
pub fn stages(build: &Build<'_>, plan: &Plan) -> Result<Arc<State>, BuildError> {
    let table = Mutex::new(Table {
        waiting: (0..plan.stages.len()).collect(),
        built: vec![None; plan.stages.len()],
        failed: None,
    });
    let changed = Condvar::new();
    let work = || work(build, plan, &table, &changed);
    std::thread::scope(|scope| {
        for _ in 1..plan.stages.len().min(AT_ONCE) {
            // With fewer threads it takes longer, that is all.
            if std::thread::Builder::new()
                .spawn_scoped(scope, work)
                .is_err()
            {
                break;
            }
        }
        work();
    });
    let mut table = lock(&table);
    match (table.failed.take(), table.built[plan.target].take()) {
        (None, Some(state)) => Ok(state),
        (Some(error), _) => Err(error),
        (None, None) => Err(BuildError::of("the build was given up")),
    }
}

/// Builds one stage after the other as long as there are some.
fn work(build: &Build<'_>, plan: &Plan, table: &Mutex<Table>, changed: &Condvar) {
    while let Some((index, others)) = next(plan, table, changed) {
        let built = stage::build(build, &plan.stages[index], &others);
        let mut table = lock(table);
        match built {
            Ok(state) => table.built[index] = Some(Arc::new(state)),
            Err(error) if table.failed.is_none() => {
                table.failed = Some(error);
                build.cancel.cancel();
            }
            // Most likely because it was cancelled.
            Err(_) => {}
        }
        changed.notify_all();
    }
}

/// A stage whose needs are there, with the stages built so far; `None` when there is no more.
fn next(
    plan: &Plan,
    table: &Mutex<Table>,
    changed: &Condvar,
) -> Option<(usize, Vec<Option<Arc<State>>>)> {
    let mut table = lock(table);
    loop {
        if table.failed.is_some() || table.waiting.is_empty() {
            return None;
        }
        let ready = table.waiting.iter().copied().find(|index| {
            plan.stages[*index]
                .needs()
                .iter()
                .all(|needed| table.built[*needed].is_some())
        });
        if let Some(index) = ready {
            table.waiting.remove(&index);
            return Some((index, table.built.clone()));
        }
        table = changed.wait(table).unwrap_or_else(PoisonError::into_inner);
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}
