//! Looks after the container's health: a probe at a time, as often as asked.
//!
//! ```text
//!  wait ──▶ probe ──exit code──▶ Check::take ──▶ state.json; who waits; `health_status`
//!   ▲         │
//!   └─────────┴── the container stands still: that probe counts as none
//! ```

use std::rc::Rc;

use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{Instant, sleep};

use super::probe;
use super::start::Phase;
use super::supervise::Supervisor;
use super::teardown;
use crate::engine::clock;
use crate::engine::health::Check;
use crate::engine::record::{HealthStatus, Probe};

/// Begins, where the container has a health check. The task ends after this run of the container.
pub fn begin(supervisor: &Rc<Supervisor>) -> Option<JoinHandle<()>> {
    let check = Check::of(&supervisor.live.borrow().record.config)?;
    Some(spawn_local(look_after(supervisor.clone(), check)))
}

async fn look_after(supervisor: Rc<Supervisor>, check: Check) {
    let started = Instant::now();
    let run = supervisor.hub.run();
    let mut still = supervisor.stillness_changes();
    loop {
        let pause = check.pause(supervisor.health_now(), started.elapsed());
        tokio::select! {
            () = until_next(&mut still, pause) => {}
            _ = run.ended() => return,
        }
        let (up, start) = (started.elapsed(), clock::now());
        let interrupted = async {
            tokio::select! {
                _ = still.wait_for(|still| *still) => {}
                _ = run.ended() => {}
            }
        };
        let found = match probe::prepare(&supervisor.live.borrow(), &check) {
            Ok(prepared) => Some(prepared),
            Err(failure) => {
                supervisor.probed(&check, up, result(start.clone(), -1, failure.message));
                None
            }
        };
        let Some(prepared) = found else { continue };
        if let Some((code, output)) = probe::run(&prepared, check.timeout, interrupted).await
            && !supervisor.is_ending()
        {
            supervisor.probed(&check, up, result(start, code, output));
        }
    }
}

/// That long in which the container does not stand still.
async fn until_next(still: &mut watch::Receiver<bool>, pause: std::time::Duration) {
    loop {
        let _ = still.wait_for(|still| !*still).await;
        tokio::select! {
            () = sleep(pause) => return,
            _ = still.wait_for(|still| *still) => {}
        }
    }
}

fn result(start: String, exit_code: i32, output: String) -> Probe {
    Probe {
        start,
        end: clock::now(),
        exit_code,
        output,
    }
}

impl Supervisor {
    fn health_now(&self) -> HealthStatus {
        self.health.borrow().unwrap_or(HealthStatus::Starting)
    }

    /// Takes in what a probe found.
    fn probed(&self, check: &Check, up: std::time::Duration, probe: Probe) {
        let mut live = self.live.borrow_mut();
        if live.phase != Phase::Runs {
            return;
        }
        let Some(health) = &mut live.health else {
            return;
        };
        let changed = check.take(health, probe, up);
        let status = health.status;
        if let Err(error) = teardown::write_run_state(&live) {
            // A full disk must not stop the probes.
            eprintln!("rbox-monitor: write the container's health: {error}");
        }
        if changed {
            live.happened(&format!("health_status: {}", status.name()), &[]);
            self.health.send_replace(Some(status));
        }
    }

    /// Waits until the container is healthy or unhealthy; `None` where nobody looks.
    pub async fn health_settled(&self) -> Option<HealthStatus> {
        let mut health = self.health.subscribe();
        let settled = health
            .wait_for(|status| *status != Some(HealthStatus::Starting))
            .await;
        settled.ok().and_then(|status| *status)
    }
}
