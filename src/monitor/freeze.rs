//! The container stands still as long as some client wants it to, or until it is unpaused.

use std::rc::Rc;

use tokio::sync::watch;

use super::supervise::Supervisor;
use super::teardown;
use crate::engine::failure::{Context, Failure};

/// How often the container was asked to stand still.
#[derive(Debug, Default)]
pub struct Stillness {
    wanted: usize,
    /// Somebody else froze it: that is not ours to undo.
    foreign: bool,
    /// One of those who want it is `pause`.
    paused: bool,
    /// Whether anybody wants it, for those who wait for that.
    still: watch::Sender<bool>,
}

/// One wish that the container stand still; it runs again when the last one is dropped.
pub struct Frozen(Rc<Supervisor>);

impl Supervisor {
    /// Stops all processes of the container. `None` when it has ended.
    pub fn freeze(self: &Rc<Self>) -> Result<Option<Frozen>, Failure> {
        if self.has_ended() {
            return Ok(None);
        }
        self.hold()?;
        Ok(Some(Frozen(Rc::clone(self))))
    }

    /// `pause`.
    pub fn pause(&self) -> Result<(), Failure> {
        let id = self.running_id()?;
        if self.stillness.borrow().paused {
            return Err(Failure::new(format!("Container {id} is already paused")));
        }
        self.hold()?;
        let mut stillness = self.stillness.borrow_mut();
        stillness.paused = true;
        // Whoever froze it before: from now on it is paused, and `unpause` is for that.
        stillness.foreign = false;
        drop(stillness);
        self.tell_paused(true)
    }

    /// `unpause`.
    pub fn unpause(&self) -> Result<(), Failure> {
        let id = self.running_id()?;
        if !self.stillness.borrow().paused {
            return Err(Failure::new(format!("Container {id} is not paused")));
        }
        self.resume()
    }

    /// Ends a pause, if there is one: a signal that is to end the container arrives only then.
    pub(super) fn resume(&self) -> Result<(), Failure> {
        let mut stillness = self.stillness.borrow_mut();
        if !stillness.paused {
            return Ok(());
        }
        if stillness.wanted == 1 {
            self.cgroup().thaw().context(|| "thaw".to_owned())?;
        }
        stillness.paused = false;
        drop(stillness);
        self.let_go();
        self.tell_paused(false)
    }

    /// The run that was paused has ended; the next one is not.
    pub(super) fn forget_pause(&self) {
        let mut stillness = self.stillness.borrow_mut();
        if std::mem::take(&mut stillness.paused) {
            stillness.wanted -= 1;
            let still = stillness.wanted > 0;
            stillness.still.send_replace(still);
        }
    }

    /// Whether somebody wants it to stand still, and whoever waits for that to change.
    pub(super) fn stillness_changes(&self) -> watch::Receiver<bool> {
        self.stillness.borrow().still.subscribe()
    }

    fn hold(&self) -> Result<(), Failure> {
        let mut stillness = self.stillness.borrow_mut();
        if stillness.wanted == 0 {
            let cgroup = self.cgroup();
            stillness.foreign = cgroup.is_frozen().unwrap_or(false);
            if !stillness.foreign
                && let Err(error) = cgroup.freeze()
            {
                // Those that do stand go on.
                let _ = cgroup.thaw();
                return Err(error).context(|| "freeze".to_owned());
            }
        }
        stillness.wanted += 1;
        stillness.still.send_replace(true);
        Ok(())
    }

    fn let_go(&self) {
        let mut stillness = self.stillness.borrow_mut();
        stillness.wanted -= 1;
        if stillness.wanted == 0 {
            if !stillness.foreign {
                // Without a group any more there is nothing that stands.
                let _ = self.cgroup().thaw();
            }
            stillness.still.send_replace(false);
        }
    }

    fn tell_paused(&self, paused: bool) -> Result<(), Failure> {
        let mut live = self.live.borrow_mut();
        live.paused = paused;
        let action = if paused { "pause" } else { "unpause" };
        live.happened(action, &[]);
        teardown::write_run_state(&live)
            .context(|| format!("write the state of container {}", live.record.id))
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.0.let_go();
    }
}
