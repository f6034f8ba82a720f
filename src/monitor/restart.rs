//! What becomes of a container that has ended: it stays so, or its restart policy
//! starts it again from the same monitor.
//!
//! ```text
//!  exit ─▶ release ──policy says no, or somebody ended it──────────▶ over
//!             │                                                       ▲
//!             └─▶ everything undone ─▶ wait ──called off meanwhile────┘
//!                                       │ ▲
//!                                       ▼ │ a start that fails is an end, too
//!                                      start ─▶ runs
//! ```

use std::rc::Rc;
use std::time::Duration;

use tokio::select;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::start::{self, Asked};
use super::supervise::{DRAIN, Sources, Supervisor, streams};
use super::teardown::{self, End};
use crate::engine::failure::Failure;
use crate::engine::record::HealthStatus;
use crate::engine::request::RestartPolicy;
use crate::engine::signals;

/// Before the first restart; each one after it waits twice as long.
const SHORTEST: Duration = Duration::from_millis(100);

/// No restart waits longer.
const LONGEST: Duration = Duration::from_secs(60);

/// Who ran this long has recovered: the next wait is the shortest again.
const RECOVERED: Duration = Duration::from_secs(10);

/// Who ended the container, where it was neither it nor chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ender {
    /// A person, by `stop`, `kill` or `rm`.
    Hand,
    /// The machine goes down.
    Machine,
}

/// The restarts of one monitor.
pub struct Restarts {
    ender: watch::Sender<Option<Ender>>,
    /// Made so far.
    count: u32,
    /// The last wait.
    delay: Duration,
    began: Instant,
}

impl Restarts {
    /// Of a container that has just been started.
    pub fn new() -> Restarts {
        Restarts {
            ender: watch::channel(None).0,
            count: 0,
            delay: Duration::ZERO,
            began: Instant::now(),
        }
    }

    /// Somebody wants the container to end, and to stay so. A person's word outweighs
    /// the machine's.
    pub fn call_off(&self, ender: Ender) {
        self.ender.send_if_modified(|known| match (*known, ender) {
            (None, _) | (Some(Ender::Machine), Ender::Hand) => {
                *known = Some(ender);
                true
            }
            _ => false,
        });
    }

    /// What follows from an end with this code after `ran`; a restart is counted.
    fn decide(&mut self, policy: RestartPolicy, code: i32, ran: Duration) -> End {
        let ender = *self.ender.borrow();
        let again = ender.is_none() && wanted(policy, code, self.count);
        if again {
            self.count = self.count.saturating_add(1);
            self.delay = delay(self.delay, ran);
        }
        End {
            code,
            ender,
            restarts: self.count,
            again,
        }
    }
}

/// Whether the policy starts again what ended with `code` after so many restarts.
fn wanted(policy: RestartPolicy, code: i32, restarts: u32) -> bool {
    match policy {
        RestartPolicy::No => false,
        RestartPolicy::Always | RestartPolicy::UnlessStopped => true,
        RestartPolicy::OnFailure { most } => code != 0 && (most == 0 || restarts < most),
    }
}

/// The wait after this one, for who ran for `ran`.
fn delay(last: Duration, ran: Duration) -> Duration {
    match ran >= RECOVERED {
        true => SHORTEST,
        false => (last * 2).clamp(SHORTEST, LONGEST),
    }
}

/// Whether a signal that somebody sends is meant to end the container for good, and not to tell
/// it something: those that one ends programs with, and its own stop signal.
pub fn is_final(signal: i32, stop_signal: Option<&str>) -> bool {
    const INT: i32 = 2;
    const QUIT: i32 = 3;
    const KILL: i32 = 9;
    const TERM: i32 = 15;
    matches!(signal, INT | QUIT | KILL | TERM)
        || stop_signal.and_then(signals::parse) == Some(signal)
}

/// Gives back what the run that ended with `code` had, and starts the container again when and if
/// its policy says so: its streams then. `Err` is the code with which it is over.
pub async fn after(
    supervisor: &Rc<Supervisor>,
    mut code: i32,
    asked: &Asked,
) -> Result<Result<Sources, i32>, Failure> {
    let mut end = supervisor.decide(code);
    let relay = teardown::release(&mut supervisor.live.borrow_mut(), &end);
    if let Some(relay) = relay {
        // Who hears of the end may publish the same port at once.
        let _ = timeout(DRAIN, relay).await;
    }
    if !end.again {
        return Ok(Err(code));
    }
    supervisor.hub.rest(code);
    supervisor.forget_pause();
    // Who waits for its health waits for that of the next run.
    supervisor.health.send_if_modified(|health| {
        let looked_after = health.is_some();
        if looked_after {
            *health = Some(HealthStatus::Starting);
        }
        looked_after
    });
    // Tasks that were aborted let go of the namespace when they are polled once more.
    tokio::task::yield_now().await;
    teardown::clear(&mut supervisor.live.borrow_mut());
    loop {
        if let Some(ender) = supervisor.called_off().await {
            end.ender = Some(ender);
            teardown::give_up(&mut supervisor.live.borrow_mut(), &end);
            return Ok(Err(code));
        }
        supervisor.restarts.borrow_mut().began = Instant::now();
        let started = start::again(&mut supervisor.live.borrow_mut(), asked, end.restarts);
        let Err(failure) = started else {
            let mut live = supervisor.live.borrow_mut();
            let (input, sources) = streams(&mut live)?;
            supervisor.hub.resume(input);
            live.serve();
            drop(live);
            start::tell_consumers(&supervisor.live.borrow());
            return Ok(Ok(sources));
        };
        code = teardown::code_of(&failure).unwrap_or(teardown::NOT_STARTED);
        end = supervisor.decide(code);
        teardown::not_restarted(&mut supervisor.live.borrow_mut(), &end, &failure);
        if !end.again {
            return Ok(Err(code));
        }
    }
}

impl Supervisor {
    fn decide(&self, code: i32) -> End {
        let policy = self.live.borrow().record.host.restart;
        let mut restarts = self.restarts.borrow_mut();
        let ran = restarts.began.elapsed();
        restarts.decide(policy, code, ran)
    }

    /// Waits before a restart; who called it off meanwhile.
    async fn called_off(&self) -> Option<Ender> {
        let (delay, mut ender) = {
            let restarts = self.restarts.borrow();
            (restarts.delay, restarts.ender.subscribe())
        };
        select! {
            biased;
            ender = ender.wait_for(Option::is_some) => ender.ok().and_then(|ender| *ender),
            () = sleep(delay) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON_FAILURE_TWICE: RestartPolicy = RestartPolicy::OnFailure { most: 2 };

    #[test]
    fn policies_restart_by_code_and_count() {
        let for_ever = RestartPolicy::OnFailure { most: 0 };
        for (policy, code, restarts, expected) in [
            (RestartPolicy::No, 1, 0, false),
            (RestartPolicy::Always, 0, 1000, true),
            (RestartPolicy::UnlessStopped, 137, 1, true),
            (for_ever, 0, 0, false),
            (for_ever, 1, 1000, true),
            (ON_FAILURE_TWICE, 3, 1, true),
            (ON_FAILURE_TWICE, 3, 2, false),
        ] {
            assert_eq!(
                wanted(policy, code, restarts),
                expected,
                "{policy:?} {code} {restarts}"
            );
        }
    }

    #[test]
    fn waits_double_up_to_a_minute_and_begin_anew_after_ten_seconds_of_running() {
        let mut last = Duration::ZERO;
        let mut waits = Vec::new();
        for _ in 0..12 {
            last = delay(last, Duration::from_secs(9));
            waits.push(last.as_millis());
        }
        assert_eq!(
            waits,
            [
                100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000
            ]
        );
        assert_eq!(delay(last, RECOVERED), SHORTEST);
    }

    #[test]
    fn restarts_are_counted_and_a_persons_word_ends_them() {
        let mut restarts = Restarts::new();
        let decide = |restarts: &mut Restarts| {
            let end = restarts.decide(ON_FAILURE_TWICE, 3, Duration::ZERO);
            (end.again, end.restarts, end.ender)
        };
        assert_eq!(decide(&mut restarts), (true, 1, None));
        assert_eq!(decide(&mut restarts), (true, 2, None));
        assert_eq!(decide(&mut restarts), (false, 2, None));
        let mut restarts = Restarts::new();
        restarts.call_off(Ender::Machine);
        restarts.call_off(Ender::Hand);
        restarts.call_off(Ender::Machine);
        assert_eq!(decide(&mut restarts), (false, 0, Some(Ender::Hand)));
    }

    #[test]
    fn signals_that_tell_something_do_not_end_it_for_good() {
        for (signal, stop_signal, expected) in [
            (9, None, true),
            (15, None, true),
            (2, None, true),
            (3, None, true),
            (1, None, false),
            (10, None, false),
            (28, None, false),
            (10, Some("SIGUSR1"), true),
            (1, Some("1"), true),
        ] {
            assert_eq!(is_final(signal, stop_signal), expected, "{signal}");
        }
    }
}
