//! Taking a container's run directory over from whoever has it.

use std::time::Duration;

use super::connection::{self, Answer};
use super::dirs::Dirs;
use super::failure::{Context, Failure};
use super::lock::{RunLock, is_used};
use super::protocol::Request;
use super::recover;

/// Between two looks at a lock that somebody holds while he cleans up.
const PAUSE: Duration = Duration::from_millis(2);

/// What came of waiting for a run directory.
#[derive(Debug)]
pub enum Claim {
    /// Nobody's; now it is ours, and nobody else starts or removes the container.
    Ours(RunLock),
    /// The container runs: its monitor has it.
    Running,
}

/// Waits for a start or an end that is under way, and undoes what a dead monitor left.
pub fn claim(dirs: &Dirs, id: &str) -> Result<Claim, Failure> {
    let run_dir = dirs.run(id);
    let what = || format!("lock {}", run_dir.display());
    loop {
        match RunLock::take(&run_dir).context(what)? {
            Some(lock) if is_used(&run_dir).context(what)? => {
                recover::recover(dirs, id, lock)?;
                continue;
            }
            Some(lock) => return Ok(Claim::Ours(lock)),
            None => {}
        }
        // While it starts, the monitor listens and does not answer yet; when it
        // has failed or the container has ended, it hangs up.
        if connection::ask(dirs, id, Request::Ping)? == Some(Answer::Done) {
            return Ok(Claim::Running);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Whether a container runs, once a start or an end that is under way is over.
pub fn is_running(dirs: &Dirs, id: &str) -> Result<bool, Failure> {
    let run_dir = dirs.run(id);
    if !run_dir.exists() {
        return Ok(false);
    }
    match claim(dirs, id)? {
        Claim::Running => Ok(true),
        Claim::Ours(lock) => {
            lock.remove_dir(&run_dir)
                .context(|| format!("remove {}", run_dir.display()))?;
            Ok(false)
        }
    }
}
