//! The container stands still as long as some client wants it to.

use std::rc::Rc;

use super::supervise::Supervisor;
use crate::engine::failure::{Context, Failure};

/// How often the container was asked to stand still.
#[derive(Debug, Default)]
pub struct Stillness {
    wanted: usize,
    /// Somebody else froze it: that is not ours to undo.
    foreign: bool,
}

/// One wish that the container stand still; it runs again when the last one is dropped.
pub struct Frozen(Rc<Supervisor>);

impl Supervisor {
    /// Stops all processes of the container. `None` when it has ended.
    pub fn freeze(self: &Rc<Self>) -> Result<Option<Frozen>, Failure> {
        if self.has_ended() {
            return Ok(None);
        }
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
        Ok(Some(Frozen(Rc::clone(self))))
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let mut stillness = self.0.stillness.borrow_mut();
        stillness.wanted -= 1;
        if stillness.wanted == 0 && !stillness.foreign {
            // Without a group any more there is nothing that stands.
            let _ = self.0.cgroup().thaw();
        }
    }
}
