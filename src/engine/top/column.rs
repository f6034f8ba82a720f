//! The columns of ps(1): what each shows of a process.

use std::collections::BTreeMap;
use std::fs;

use super::format::{
    clock_time, elapsed, minutes, month_day, start_of_day, terminal, weekday_time,
};
use super::process::Process;
use crate::engine::clock;
use crate::engine::failure::{Context, Failure};

/// Largest file of users or groups that is read, bytes.
const LARGEST: u64 = 1 << 20;

/// Longest name of a user that is shown whole.
const USER: usize = 8;

/// One column.
pub struct Column {
    names: &'static [&'static str],
    /// Of the table.
    pub title: &'static str,
    /// What it shows.
    pub cell: fn(&Process, &Machine) -> String,
}

/// What columns need of the machine.
#[derive(Debug, Default)]
pub struct Machine {
    /// Ticks in a second.
    pub ticks: u64,
    /// Bytes of a page.
    pub page: u64,
    /// Seconds since 1970, now.
    pub now: i64,
    /// Ticks since boot, now.
    pub up: u64,
    /// Bytes of memory.
    pub memory: u64,
    users: BTreeMap<u32, String>,
    groups: BTreeMap<u32, String>,
}

impl Machine {
    /// This machine, now.
    pub fn look() -> Result<Machine, Failure> {
        let uptime = fs::read_to_string("/proc/uptime").context(|| "read /proc/uptime".into())?;
        let seconds: f64 = uptime
            .split_whitespace()
            .next()
            .and_then(|text| text.parse().ok())
            .unwrap_or_default();
        let ticks = rustix::param::clock_ticks_per_second();
        Ok(Machine {
            ticks,
            page: rustix::param::page_size() as u64,
            now: clock::unix_nanos() / 1_000_000_000,
            up: (seconds * ticks as f64) as u64,
            memory: crate::engine::stats::host_memory(),
            users: numbered("/etc/passwd"),
            groups: numbered("/etc/group"),
        })
    }

    fn user(&self, id: u32) -> String {
        match self.users.get(&id) {
            Some(name) if name.chars().count() > USER => {
                name.chars().take(USER - 1).chain(['+']).collect()
            }
            Some(name) => name.clone(),
            None => id.to_string(),
        }
    }

    /// Ticks that the process has been there.
    fn age(&self, process: &Process) -> u64 {
        self.up.saturating_sub(process.started)
    }

    /// Seconds since 1970 when it started.
    fn start(&self, process: &Process) -> i64 {
        self.now - i64::try_from(self.age(process) / self.ticks.max(1)).unwrap_or_default()
    }

    /// Of one processor since it started, tenths of a percent.
    fn processor_share(&self, process: &Process) -> u64 {
        process.used.saturating_mul(1000) / self.age(process).max(1)
    }
}

/// Names of the host's users or groups, by number. Only files: others are shown as numbers.
fn numbered(path: &str) -> BTreeMap<u32, String> {
    let small = fs::metadata(path).is_ok_and(|data| data.len() <= LARGEST);
    let bytes = if small { fs::read(path).ok() } else { None };
    let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
    let mut names = BTreeMap::new();
    for line in text.lines() {
        let mut fields = line.split(':');
        if let (Some(name), Some(id)) = (fields.next(), fields.nth(1))
            && let Ok(id) = id.parse()
        {
            names.entry(id).or_insert_with(|| name.to_owned());
        }
    }
    names
}

/// The column of that name.
pub fn find(name: &str) -> Option<&'static Column> {
    COLUMNS.iter().find(|column| column.names.contains(&name))
}

/// First name of each.
pub fn names() -> impl Iterator<Item = &'static str> {
    COLUMNS
        .iter()
        .filter_map(|column| column.names.first().copied())
}

macro_rules! columns {
    ($($title:literal $names:expr => |$process:ident, $machine:pat_param| $cell:expr;)*) => {
        &[$(Column { names: &$names, title: $title, cell: |$process, $machine| $cell },)*]
    };
}

static COLUMNS: &[Column] = columns! {
    "PID" ["pid", "tgid"] => |process, _| process.pid.to_string();
    "PPID" ["ppid"] => |process, _| process.ppid.to_string();
    "PGID" ["pgid", "pgrp"] => |process, _| process.pgid.to_string();
    "SID" ["sid", "sess"] => |process, _| process.sid.to_string();
    "USER" ["user", "euser", "uname"] => |process, machine| machine.user(process.uid);
    "UID" ["uid", "euid"] => |process, _| process.uid.to_string();
    "GROUP" ["group", "egroup"] => |process, machine| {
        machine.groups.get(&process.gid).cloned().unwrap_or_else(|| process.gid.to_string())
    };
    "GID" ["gid", "egid"] => |process, _| process.gid.to_string();
    "C" ["c"] => |process, machine| (machine.processor_share(process) / 10).min(99).to_string();
    "%CPU" ["pcpu", "%cpu"] => |process, machine| tenths(machine.processor_share(process));
    "%MEM" ["pmem", "%mem"] => |process, machine| {
        let resident = process.resident_pages.saturating_mul(machine.page);
        tenths(resident.saturating_mul(1000) / machine.memory.max(1))
    };
    "VSZ" ["vsz", "vsize"] => |process, _| (process.virtual_bytes / 1024).to_string();
    "RSS" ["rss", "rssize", "rsz"] => |process, machine| {
        (process.resident_pages.saturating_mul(machine.page) / 1024).to_string()
    };
    "TTY" ["tname", "tty", "tt"] => |process, _| terminal(process.terminal);
    "STAT" ["stat"] => |process, _| state(process);
    "S" ["s", "state"] => |process, _| process.state.to_string();
    "NLWP" ["nlwp", "thcount"] => |process, _| process.threads.to_string();
    "NI" ["ni", "nice"] => |process, _| process.nice.to_string();
    "PSR" ["psr"] => |process, _| process.processor.to_string();
    "ELAPSED" ["etime"] => |process, machine| {
        elapsed(machine.age(process) / machine.ticks.max(1))
    };
    "ELAPSED" ["etimes"] => |process, machine| {
        (machine.age(process) / machine.ticks.max(1)).to_string()
    };
    "TIME" ["time", "cputime"] => |process, machine| clock_time(process.used / machine.ticks.max(1));
    "TIME" ["bsdtime"] => |process, machine| minutes(process.used / machine.ticks.max(1));
    "STIME" ["stime"] => |process, machine| start_of_day(machine.start(process), machine.now);
    "START" ["bsdstart", "start"] => |process, machine| {
        month_day(machine.start(process), machine.now)
    };
    "STARTED" ["lstart"] => |process, machine| weekday_time(machine.start(process));
    "COMMAND" ["comm", "ucomm"] => |process, _| name(process);
    "CMD" ["ucmd"] => |process, _| name(process);
    "COMMAND" ["args", "command"] => |process, _| command(process);
    "CMD" ["cmd"] => |process, _| command(process);
};

fn tenths(number: u64) -> String {
    format!("{}.{}", number / 10, number % 10)
}

/// The state and what ps adds to it.
fn state(process: &Process) -> String {
    let mut text = process.state.to_string();
    for (letter, holds) in [
        ('<', process.nice < 0),
        ('N', process.nice > 0),
        ('L', process.locked),
        ('s', process.sid == process.pid),
        ('l', process.threads > 1),
        ('+', process.foreground == process.pgid),
    ] {
        if holds {
            text.push(letter);
        }
    }
    text
}

fn name(process: &Process) -> String {
    match process.state {
        'Z' => format!("{} <defunct>", process.name),
        _ => process.name.clone(),
    }
}

fn command(process: &Process) -> String {
    match process.arguments.as_str() {
        "" if process.state == 'Z' => format!("[{}] <defunct>", process.name),
        "" => format!("[{}]", process.name),
        arguments => arguments.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        Machine {
            ticks: 100,
            page: 4096,
            now: 1_000_000,
            up: 20_000,
            memory: 4096 * 1000,
            users: [(0, "root".to_owned()), (7, "systemd-network".to_owned())].into(),
            groups: [(0, "root".to_owned())].into(),
        }
    }

    fn cell(name: &str, process: &Process) -> String {
        (find(name).unwrap().cell)(process, &machine())
    }

    #[test]
    fn cells_are_those_of_ps() {
        let process = Process {
            pid: 7,
            sid: 7,
            pgid: 7,
            foreground: -1,
            state: 'S',
            used: 150,
            started: 10_000,
            nice: -1,
            threads: 2,
            virtual_bytes: 1 << 20,
            resident_pages: 10,
            uid: 7,
            gid: 9,
            name: "sh".into(),
            arguments: "sh -c x".into(),
            ..Process::default()
        };
        for (name, expected) in [
            ("pid", "7"),
            ("user", "systemd+"),
            ("uid", "7"),
            ("group", "9"),
            ("c", "1"),
            ("pcpu", "1.5"),
            ("pmem", "1.0"),
            ("vsz", "1024"),
            ("rss", "40"),
            ("tty", "?"),
            ("stat", "S<sl"),
            ("s", "S"),
            ("etime", "01:40"),
            ("etimes", "100"),
            ("time", "00:00:01"),
            ("bsdtime", "0:01"),
            ("comm", "sh"),
            ("args", "sh -c x"),
        ] {
            assert_eq!(cell(name, &process), expected, "{name}");
        }
        let dead = Process {
            state: 'Z',
            name: "sh".into(),
            ..Process::default()
        };
        assert_eq!(cell("cmd", &dead), "[sh] <defunct>");
        assert_eq!(cell("comm", &dead), "sh <defunct>");
        assert_eq!(cell("user", &dead), "root");
    }

    #[test]
    fn no_name_means_two_columns() {
        let names: Vec<&str> = COLUMNS
            .iter()
            .flat_map(|column| column.names)
            .copied()
            .collect();
        let mut unique = names.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), names.len());
    }
}
