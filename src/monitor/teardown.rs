//! The end of a container: what others wait for first (ports, names, leases,
//! the exit code), then what takes the kernel time.

use rbox_netsetup::model::sandbox::Sandbox;
use tokio::task::JoinHandle;

use crate::engine::failure::Failure;
use crate::engine::record::{Health, LastState, RunState};
use crate::engine::request::RestartPolicy;
use crate::engine::{clock, containers, json_file, lock, volume};

use super::restart::Ender;
use super::start::{Live, Phase};

/// How a run ended, and what follows.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// Exit code.
    pub code: i32,
    /// Who ended it.
    pub ender: Option<Ender>,
    /// Restarts so far, with the one that follows.
    pub restarts: u32,
    /// It is started again.
    pub again: bool,
}

impl End {
    fn mark(&self, last: &mut LastState) {
        last.restart_count = self.restarts;
        last.stopped_by_hand = self.ender == Some(Ender::Hand);
        last.with_machine = self.ender == Some(Ender::Machine);
    }
}

/// Records the exit and gives back everything that another container may be
/// waiting for. After this the container counts as ended, or as restarting; its ports
/// are free when the relay that is returned is done.
pub fn release(live: &mut Live, end: &End) -> Option<JoinHandle<()>> {
    let oom_killed = live.running.cgroup.oom_kills() > 0;
    live.has_died(end.code, oom_killed);
    rbox_timing::mark("death written down");
    // Nothing of the container may run on. Its init took its own pid namespace
    // with it; in another's it may leave processes.
    if !live.record.host.pid_mode.is_empty() {
        let _ = live.running.cgroup.kill_all();
    }
    let relay = live.network.release();
    rbox_timing::mark("ports and names given back");
    live.has_left();
    let dirs = &live.engine.dirs;
    let dir = dirs.container(&live.record.id);
    let mut last = LastState {
        status: "exited".into(),
        exit_code: end.code,
        error: String::new(),
        started_at: live.started_at.clone(),
        finished_at: clock::now(),
        oom_killed,
        addresses: live.network.addresses(),
        health: live.health.clone().map(Health::ended),
        ..LastState::default()
    };
    end.mark(&mut last);
    if end.again {
        // First: a restart that is counted is not taken for the run that has ended.
        live.phase = Phase::Rests;
        let _ = write_resting(live, &last);
    }
    if live.record.host.auto_remove && !end.again {
        live.retired = containers::retire(&live.engine.dirs, &live.record.id)
            .ok()
            .flatten();
    }
    if live.retired.is_none() {
        // A record that cannot be written (disk full) must not keep the rest.
        let _ = json_file::write(&dir.join("state.json"), &last);
    }
    if !end.again {
        over(live);
    }
    rbox_timing::mark("end recorded");
    relay
}

/// From here on others see that it has ended.
fn over(live: &mut Live) {
    live.phase = Phase::Over;
    let run_dir = live.engine.dirs.run(&live.record.id);
    let _ = lock::mark_ending(&run_dir);
    let _ = std::fs::remove_file(run_dir.join("state.json"));
}

/// The rest that was to end with a restart ended otherwise.
pub fn give_up(live: &mut Live, end: &End) {
    change_last(live, |last| end.mark(last));
    over(live);
}

/// A restart failed, which is an end like any other.
pub fn not_restarted(live: &mut Live, end: &End, failure: &Failure) {
    let last = change_last(live, |last| {
        *last = failed_start(code_of(failure), &failure.message, last);
        last.exit_code = end.code;
        last.finished_at = clock::now();
        end.mark(last);
    });
    match end.again {
        true => drop(write_resting(live, &last)),
        false => over(live),
    }
}

fn change_last(live: &Live, change: impl FnOnce(&mut LastState)) -> LastState {
    let dir = live.engine.dirs.container(&live.record.id);
    let mut last = containers::read_last(&dir).unwrap_or_default();
    change(&mut last);
    let _ = json_file::write(&dir.join("state.json"), &last);
    last
}

/// Undoes the rest before the next run.
pub fn clear(live: &mut Live) {
    undo(live);
    if live.undone {
        // Its steps must not be undone once more.
        let path = live.engine.dirs.run(&live.record.id).join("journal");
        live.undone = match std::fs::remove_file(path) {
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
            Ok(()) => true,
        };
    }
}

fn undo(live: &mut Live) {
    live.held = None;
    let undone = live.network.finish();
    rbox_timing::mark("network undone");
    live.network.retire(&live.engine.networks.default_leases());
    live.undone = live.running.cgroup.delete().is_ok() && undone;
    rbox_timing::mark("cgroups removed");
}

/// Undoes the rest; the run directory and with it the lock go last. If something
/// cannot be undone they stay: the next one who looks tries again.
pub fn finish(live: &mut Live) {
    live.held = None;
    if !live.undone {
        undo(live);
    }
    volume::mounted::release(&live.engine.dirs, &live.record, &live.record.id);
    if let Some(retired) = live.retired.take() {
        let _ = containers::remove_dir(&live.engine.dirs, &retired);
        rbox_timing::mark("container's files removed");
    }
    if live.undone {
        let _ = lock::remove_run_dir(&live.engine.dirs.run(&live.record.id));
        rbox_timing::mark("run directory removed");
    }
}

/// The code of a start whose failure has none of its own.
pub const NOT_STARTED: i32 = 128;

/// The exit code that a start failed with: of a program that is not there, or cannot be executed.
pub fn code_of(failure: &Failure) -> Option<i32> {
    failure
        .code
        .filter(|code| matches!(code, 126 | 127))
        .map(i32::from)
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
            (None, 0) => NOT_STARTED,
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
        restart_count: live.restarts,
    }
}

/// Writes down a running container's state.
pub fn write_run_state(live: &Live) -> std::io::Result<()> {
    write_state(live, &run_state(live))
}

fn write_resting(live: &Live, last: &LastState) -> std::io::Result<()> {
    let state = RunState {
        pid: 0,
        started_at: live.started_at.clone(),
        finished_at: last.finished_at.clone(),
        cgroup: live.cgroup.clone(),
        sandbox: Sandbox::default(),
        paused: false,
        restarting: true,
        health: None,
        restart_count: last.restart_count,
    };
    write_state(live, &state)
}

fn write_state(live: &Live, state: &RunState) -> std::io::Result<()> {
    let path = live.engine.dirs.run(&live.record.id).join("state.json");
    json_file::write(&path, state)
}

/// The code of one that ran when the power went, as Docker's.
const LOST: i32 = 255;

/// Writes down what will be true of a container with a restart policy if nobody lives to write
/// down more; and that restarts are counted anew when a person starts one.
pub fn write_ahead(live: &Live) -> std::io::Result<()> {
    let (previous, restarts) = (&live.previous, live.restarts);
    let dir = live.engine.dirs.container(&live.record.id);
    let path = dir.join("state.json");
    if live.record.host.restart == RestartPolicy::No {
        if previous.restart_count == restarts {
            return Ok(());
        }
        let last = LastState {
            restart_count: restarts,
            ..previous.clone()
        };
        return json_file::write(&path, &last);
    }
    // Neither is of use if the power takes the other.
    json_file::sync(&dir.join("config.json"))?;
    let last = LastState {
        status: "exited".into(),
        exit_code: LOST,
        started_at: live.started_at.clone(),
        finished_at: live.started_at.clone(),
        addresses: live.network.addresses(),
        restart_count: restarts,
        with_machine: true,
        ..LastState::default()
    };
    json_file::write_durably(&path, &last)
}
