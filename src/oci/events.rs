//! `events`: a container's accounting, once or again and again, and word of its
//! being out of memory.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rbox_runtime::cgroup::{Cgroup, OomWatch};
use rbox_runtime::lifecycle::{Container, Status};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::call::{Call, failure};
use super::command::{Arity, Command};
use super::flags::{Flag, Kind};
use super::stats;
use crate::cli::parse::time;
use crate::engine::failure::{Context, Failure};
use crate::output::go_text::quote;
use crate::output::json::compact_html;
use crate::output::stdout::say;

static STATS: Flag = Flag::new("stats", Kind::Switch, "print the accounting once");
static INTERVAL: Flag = Flag::new(
    "interval",
    Kind::Text,
    "time between two prints of the accounting (default: 5s)",
);

/// `events`.
pub static COMMAND: Command = Command {
    name: "events",
    usage: "[command options] <container-id>",
    about: "print a container's accounting and when it runs out of memory",
    flags: &[&STATS, &INTERVAL],
    arity: Arity::Exactly(1),
    interspersed: true,
    protected: false,
    failure: "",
    code: 1,
    run,
};

const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);

fn run(call: &Call) -> Result<u8, Failure> {
    let interval = interval(call.flags.text(&INTERVAL))?;
    let container = call.container()?;
    let cgroup = match container.status() {
        Status::Stopped => None,
        _ => container.cgroup(),
    };
    let cgroup = cgroup
        .ok_or_else(|| Failure::new(format!("container with id {} is not running", call.id())))?;
    if call.flags.on(&STATS) {
        print(call.id(), &cgroup)?;
        return Ok(0);
    }
    follow(call, &container, &cgroup, interval)?;
    Ok(0)
}

/// A duration of Go's that is longer than nothing.
fn interval(text: Option<&str>) -> Result<Duration, Failure> {
    let Some(text) = text else {
        return Ok(DEFAULT_INTERVAL);
    };
    let nanoseconds = time::duration(text).ok_or_else(|| {
        let value = quote(text);
        Failure::new(format!(
            "invalid value {value} for flag -interval: parse error"
        ))
    })?;
    match u64::try_from(nanoseconds) {
        Ok(nanoseconds) if nanoseconds > 0 => Ok(Duration::from_nanos(nanoseconds)),
        _ => Err(Failure::new("duration interval must be greater than 0")),
    }
}

fn print(id: &str, cgroup: &Cgroup) -> Result<(), Failure> {
    let stats = cgroup.stats().map_err(failure)?;
    say(&format!("{}\n", compact_html(&stats::event(id, &stats))));
    Ok(())
}

/// Prints until the container ends.
fn follow(
    call: &Call,
    container: &Container,
    cgroup: &Cgroup,
    interval: Duration,
) -> Result<(), Failure> {
    let mut watch = match cgroup.oom_watch() {
        Ok(watch) => Some(watch),
        Err(error) => {
            call.log.warning(&error.to_string());
            None
        }
    };
    let mut next = Instant::now() + interval;
    while wait(container, watch.as_ref(), next)? {
        if let Some(waiting) = &mut watch {
            match waiting.take().map_err(failure)? {
                Some(0) => {}
                Some(_) => say(&format!("{}\n", stats::out_of_memory(call.id()))),
                None => return Ok(()),
            }
        }
        let now = Instant::now();
        if now >= next {
            print(call.id(), cgroup)?;
            next = now + interval;
        }
    }
    // What killed it may be in the queue still.
    if let Some(mut watch) = watch
        && watch
            .take()
            .map_err(failure)?
            .is_some_and(|count| count > 0)
    {
        say(&format!("{}\n", stats::out_of_memory(call.id())));
    }
    Ok(())
}

/// Waits for a moment or an event; false when the container has ended.
fn wait(container: &Container, watch: Option<&OomWatch>, moment: Instant) -> Result<bool, Failure> {
    let Some(pidfd) = container.pidfd() else {
        return Ok(false);
    };
    let mut fds = vec![PollFd::from_borrowed_fd(pidfd, PollFlags::IN)];
    fds.extend(watch.map(|watch| PollFd::from_borrowed_fd(watch.as_fd(), PollFlags::IN)));
    let left = moment.saturating_duration_since(Instant::now());
    let timeout = Timespec::try_from(left).ok();
    match poll(&mut fds, timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(fds[0].revents().is_empty()),
        Err(error) => Err(error).context(|| "poll".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, interval};

    #[test]
    fn intervals_are_gos_durations() {
        assert_eq!(interval(None).unwrap(), Duration::from_secs(5));
        assert_eq!(
            interval(Some("1m500ms")).unwrap(),
            Duration::from_millis(60_500)
        );
        for (text, error) in [
            (
                "abc",
                "invalid value \"abc\" for flag -interval: parse error",
            ),
            ("0s", "duration interval must be greater than 0"),
            ("-1s", "duration interval must be greater than 0"),
        ] {
            assert_eq!(interval(Some(text)).unwrap_err().message, error);
        }
    }
}
