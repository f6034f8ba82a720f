//! Taking a container's run directory over from whoever has it.

use std::time::Duration;

use super::failure::{Context, Failure};
use super::lock::RunLock;
use super::protocol::Request;
use super::{Engine, connection};

/// Between two looks at a lock that a monitor holds while it cleans up.
const PAUSE: Duration = Duration::from_millis(2);

/// What came of waiting for a run directory.
#[derive(Debug)]
pub enum Claim {
    /// Nobody's; now it is ours.
    Ours(RunLock),
    /// The container runs: somebody started it meanwhile.
    Running,
}

impl Engine {
    /// Waits for a monitor that is starting the container, or cleaning up after it.
    pub(super) fn claim(&self, id: &str) -> Result<Claim, Failure> {
        let run_dir = self.dirs.run(id);
        loop {
            let lock = RunLock::try_acquire(&run_dir)
                .context(|| format!("lock {}", run_dir.display()))?;
            if let Some(lock) = lock {
                return Ok(Claim::Ours(lock));
            }
            // While it starts, the monitor listens and does not answer yet; when it
            // has failed or the container has ended, it hangs up.
            if let Some(stream) = connection::request(&self.dirs, id, Request::Ping)?
                && connection::answer(stream, id).is_ok()
            {
                return Ok(Claim::Running);
            }
            std::thread::sleep(PAUSE);
        }
    }
}
