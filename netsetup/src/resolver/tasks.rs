//! A bounded set of tasks in which the oldest makes room for the newest.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::task::AbortHandle;

/// Tasks that end when the set is dropped.
#[derive(Debug)]
pub(crate) struct Tasks {
    limit: usize,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    next: u64,
    handles: BTreeMap<u64, AbortHandle>,
}

impl Tasks {
    pub(crate) fn new(limit: usize) -> Arc<Tasks> {
        Arc::new(Tasks {
            limit,
            running: Mutex::default(),
        })
    }

    /// Starts a task; when there are `limit` already the oldest is ended.
    pub(crate) fn spawn(self: &Arc<Self>, work: impl Future<Output = ()> + Send + 'static) {
        let mut running = self.lock();
        let id = running.next;
        running.next = running.next.wrapping_add(1);
        let oldest = (running.handles.len() >= self.limit)
            .then(|| running.handles.pop_first())
            .flatten()
            .map(|(_, handle)| handle);
        let entry = Entry {
            tasks: Arc::downgrade(self),
            id,
        };
        let task = tokio::spawn(async move {
            let _entry = entry;
            work.await;
        });
        running.handles.insert(id, task.abort_handle());
        drop(running);
        // Ending a task drops it, which asks for the lock.
        if let Some(oldest) = oldest {
            oldest.abort();
        }
    }

    /// How many are running.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.lock().handles.len()
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        let running = self
            .running
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        for handle in std::mem::take(&mut running.handles).into_values() {
            handle.abort();
        }
    }
}

/// Takes the task off the list when it ends, so that nothing of it stays.
struct Entry {
    tasks: Weak<Tasks>,
    id: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(tasks) = self.tasks.upgrade() {
            let handle = tasks.lock().handles.remove(&self.id);
            drop(handle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn the_oldest_task_makes_room() {
        let tasks = Tasks::new(2);
        let (mut senders, mut receivers) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let (ended, seen) = oneshot::channel::<()>();
            let (release, wait) = oneshot::channel::<()>();
            tasks.spawn(async move {
                let _ended = ended;
                let _ = wait.await;
            });
            senders.push(release);
            receivers.push(seen);
        }
        let _ = receivers.remove(0).await;
        assert_eq!(tasks.len(), 2);
        drop(senders);
        for seen in receivers {
            let _ = seen.await;
        }
        tokio::task::yield_now().await;
        assert_eq!(tasks.len(), 0);
    }

    #[tokio::test]
    async fn dropping_the_set_ends_its_tasks() {
        let tasks = Tasks::new(2);
        let (ended, seen) = oneshot::channel::<()>();
        tasks.spawn(async move {
            let _ended = ended;
            std::future::pending::<()>().await;
        });
        tokio::task::yield_now().await;
        drop(tasks);
        assert!(seen.await.is_err());
    }
}
