//! Contenders that take turns, and the table of what they needed.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::instructions::Counter;

/// One contender: commands that are timed together, one after the other.
pub struct Case {
    name: String,
    commands: Vec<Vec<String>>,
    /// Not timed; makes the next round start where this one did.
    afterwards: Vec<Vec<String>>,
    samples: Vec<Sample>,
}

/// One round of a contender.
#[derive(Clone, Copy)]
struct Sample {
    time: Duration,
    /// Kilobytes; the largest of its processes.
    memory: u64,
    /// Where the machine counts them.
    instructions: Option<u64>,
}

impl Case {
    /// A contender with one command.
    pub fn new(name: &str, command: Vec<String>) -> Self {
        Self::several(name, vec![command])
    }

    /// A contender with several commands.
    pub fn several(name: &str, commands: Vec<Vec<String>>) -> Self {
        Self {
            name: name.to_owned(),
            commands,
            afterwards: Vec::new(),
            samples: Vec::new(),
        }
    }

    /// A command that is run after each round and not timed.
    pub fn then(mut self, command: Vec<String>) -> Self {
        self.afterwards.push(command);
        self
    }

    fn once(&self) -> Result<Sample> {
        let counter = Counter::start();
        let start = Instant::now();
        let mut memory = 0;
        for command in &self.commands {
            memory = memory.max(execute(command)?);
        }
        let time = start.elapsed();
        let instructions = counter.and_then(Counter::read);
        for command in &self.afterwards {
            execute(command)?;
        }
        Ok(Sample {
            time,
            memory,
            instructions,
        })
    }

    fn middle<T: Ord + Copy>(&self, of: impl Fn(&Sample) -> T) -> Option<T> {
        let mut all: Vec<T> = self.samples.iter().map(of).collect();
        all.sort();
        all.get(all.len() / 2).copied()
    }
}

/// Runs all contenders in turn, `rounds` times after one to warm up.
pub fn take_turns(cases: &mut [Case], rounds: usize) -> Result<()> {
    for round in 0..=rounds {
        for case in &mut *cases {
            let sample = case.once()?;
            if round > 0 {
                case.samples.push(sample);
            }
        }
    }
    Ok(())
}

/// Prints medians, and the ratio of each contender to the one at `reference`.
pub fn print(title: &str, cases: &[Case], reference: usize) {
    let time = |case: &Case| case.middle(|sample| sample.time).unwrap_or_default();
    let base = cases.get(reference).map(time).unwrap_or_default();
    println!(
        "{title:<30} {:>9} {:>9} {:>9} {:>7} {:>10} {:>12}",
        "median", "fastest", "slowest", "ratio", "peak", "instructions"
    );
    for case in cases {
        let times = || case.samples.iter().map(|sample| sample.time);
        let instructions = case.middle(|sample| sample.instructions).flatten();
        println!(
            "{:<30} {:>6.2} ms {:>6.2} ms {:>6.2} ms {:>6.2}x {:>7} kB {:>12}",
            case.name,
            milliseconds(time(case)),
            milliseconds(times().min().unwrap_or_default()),
            milliseconds(times().max().unwrap_or_default()),
            time(case).as_secs_f64() / base.as_secs_f64(),
            case.middle(|sample| sample.memory).unwrap_or_default(),
            instructions.map_or("-".to_owned(), |count| count.to_string()),
        );
    }
}

/// What a command prints, trimmed.
pub fn quiet(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()?;
    ensure!(output.status.success(), "{program} {}", arguments.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a command that must succeed; the peak of its memory in kilobytes. The
/// first word may be `NAME=PATH`: the program at PATH under another name.
fn execute(command: &[String]) -> Result<u64> {
    let (name, path) = match command[0].split_once('=') {
        Some((name, path)) => (name, path),
        None => (command[0].as_str(), command[0].as_str()),
    };
    let child = Command::new(path)
        .arg0(name)
        .args(&command[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| command.join(" "))?;
    let (success, memory) = wait(child.id())?;
    ensure!(success, "{}: failed", command.join(" "));
    Ok(memory)
}

/// Waits for a child: whether it succeeded, and its peak in kilobytes
/// (getrusage(2), `ru_maxrss`).
#[allow(unsafe_code, reason = "wait4 has no safe wrapper")]
fn wait(pid: u32) -> Result<(bool, u64)> {
    let mut status = 0;
    // SAFETY: all zero is a valid rusage.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are valid for writes during the call.
    let waited = unsafe { libc::wait4(pid.cast_signed(), &raw mut status, 0, &raw mut usage) };
    if waited < 0 {
        return Err(std::io::Error::last_os_error()).context("wait4");
    }
    let success = libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0;
    Ok((success, u64::try_from(usage.ru_maxrss)?))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
