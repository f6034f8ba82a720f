//! The end of a container: what others wait for first (ports, names, leases,
//! the exit code), then what takes the kernel time.

use tokio::task::JoinHandle;

use crate::engine::record::{Health, LastState, RunState};
use crate::engine::{clock, containers, json_file, lock};

use super::start::Live;

/// Records the exit and gives back everything that another container may be
/// waiting for. After this the container counts as ended; its ports are free when
/// the relay that is returned is done.
pub fn release(live: &mut Live, code: i32) -> Option<JoinHandle<()>> {
    live.ended = true;
    let oom_killed = live.running.cgroup.oom_kills() > 0;
    live.has_died(code, oom_killed);
    // Nothing of the container may run on. Its init took its own pid namespace
    // with it; in another's it may leave processes.
    if !live.record.host.pid_mode.is_empty() {
        let _ = live.running.cgroup.kill_all();
    }
    let relay = live.network.release();
    live.has_left();
    let dirs = &live.engine.dirs;
    let dir = dirs.container(&live.record.id);
    let last = LastState {
        status: "exited".into(),
        exit_code: code,
        error: String::new(),
        started_at: live.started_at.clone(),
        finished_at: clock::now(),
        oom_killed,
        addresses: live.network.addresses(),
        restart_count: 0,
        stopped_by_hand: false,
        health: live.health.clone().map(Health::ended),
    };
    // A record that cannot be written (disk full) must not keep the rest.
    let _ = json_file::write(&dir.join("state.json"), &last);
    let run_dir = dirs.run(&live.record.id);
    let _ = lock::mark_ending(&run_dir);
    let _ = std::fs::remove_file(run_dir.join("state.json"));
    if live.record.host.auto_remove {
        live.retired = containers::retire(dirs, &live.record.id).ok().flatten();
    }
    relay
}

/// Undoes the rest; the run directory and with it the lock go last. If something
/// cannot be undone they stay: the next one who looks tries again.
pub fn finish(live: &mut Live) {
    let undone = live.network.finish();
    live.network.retire(&live.engine.networks.default_leases());
    let deleted = live.running.cgroup.delete().is_ok();
    if let Some(retired) = live.retired.take() {
        let _ = containers::remove_dir(&live.engine.dirs, &retired);
    }
    if undone && deleted {
        let _ = lock::remove_run_dir(&live.engine.dirs.run(&live.record.id));
    }
}

/// The state of a container whose start failed. Without a code of its own the failure leaves the
/// one of the run before, as long as that says that something went wrong.
pub fn failed_start(code: Option<i32>, message: &str, previous: &LastState) -> LastState {
    LastState {
        status: if previous.status == "exited" {
            "exited".into()
        } else {
            "created".into()
        },
        exit_code: match (code, previous.exit_code) {
            (Some(code), _) => code,
            (None, 0) => 128,
            (None, last) => last,
        },
        error: message.to_owned(),
        ..previous.clone()
    }
}

/// A running container's state.
pub fn run_state(live: &Live) -> RunState {
    RunState {
        pid: live.running.pid,
        started_at: live.started_at.clone(),
        finished_at: live.previous.finished_at.clone(),
        cgroup: live.cgroup.clone(),
        sandbox: live.network.sandbox(),
        paused: live.paused,
        restarting: false,
        health: live.health.clone(),
    }
}

/// Writes down a running container's state.
pub fn write_run_state(live: &Live) -> std::io::Result<()> {
    let state = run_state(live);
    let path = live.engine.dirs.run(&live.record.id).join("state.json");
    json_file::write(&path, &state)
}
