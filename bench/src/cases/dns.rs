//! Resolvers under Debian's dnsperf, asked from inside one container: rbox's, Docker's embedded
//! one, and aardvark-dns of Podman's networks.
//!
//! Two runs each: how many answers a second when dnsperf keeps 32 questions under way, and what
//! processor time each answer cost the process that gave it, which other work on the machine
//! changes little; then how long an answer takes when 5,000 are asked a second. dnsperf 2.10 has no
//! percentiles; its `-v` prints each answer's time, and they are taken from that.

use std::fs;
use std::io::Write as _;
use std::net::IpAddr;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use rbox_netsetup::files::resolv;
use rbox_netsetup::kernel::netns;

use crate::measure::quiet;

const NETWORK: &str = "bench-dns";
const TARGET: &str = "bench-dns-target";
const ASKER: &str = "bench-dns-asker";

/// Questions under way, as many as a busy server's threads may have.
const WINDOW: &str = "32";

/// Questions a second while latency is measured.
const PACE: &str = "5000";

/// How long each measurement takes, seconds.
const SECONDS: &str = "4";

/// An engine with a container that asks and one that is asked for.
struct Contender {
    program: String,
    /// Keeps the asker's network namespace.
    namespace: fs::File,
    server: IpAddr,
    /// The process that answers.
    answering: u32,
    rates: Vec<f64>,
    /// Seconds of processor time an answer.
    costs: Vec<f64>,
    lost: u64,
    /// Seconds.
    latencies: Vec<f64>,
}

/// All that answer take turns, `rounds` times.
pub fn run(rbox: &str, rounds: usize) -> Result<()> {
    let mut contenders = Vec::new();
    for program in [rbox, "docker", "podman"] {
        if quiet(program, &["image", "inspect", "alpine"]).is_err() {
            println!("SKIPPED {program}: not running, or without an image `alpine`");
            continue;
        }
        contenders.push(Contender::new(program)?);
    }
    for _ in 0..rounds {
        for contender in &mut contenders {
            contender.saturate()?;
        }
        for contender in &mut contenders {
            contender.pace()?;
        }
    }
    println!(
        "{:<30} {:>10} {:>10} {:>8} {:>12} {:>10} {:>10}",
        "resolver", "answers/s", "best", "lost", "cost", "median", "p99"
    );
    for contender in &mut contenders {
        contender.print();
    }
    let load = fs::read_to_string("/proc/loadavg").context("/proc/loadavg")?;
    let processors = std::thread::available_parallelism()?;
    println!(
        "load average at the end: {}, {processors} processors",
        load.trim()
    );
    Ok(())
}

impl Contender {
    fn new(program: &str) -> Result<Self> {
        clean(program);
        quiet(program, &["network", "create", NETWORK])?;
        for name in [TARGET, ASKER] {
            let run = ["run", "-d", "--name", name, "--network", NETWORK];
            quiet(
                program,
                &[&run[..], &["alpine", "sleep", "1000000"]].concat(),
            )?;
        }
        let pid = quiet(program, &["inspect", "-f", "{{.State.Pid}}", ASKER])?;
        let conf = fs::read_to_string(format!("/proc/{pid}/root/etc/resolv.conf"))?;
        let server = *resolv::nameservers(&conf).first().context("no server")?;
        Ok(Self {
            program: program.to_owned(),
            namespace: fs::File::open(format!("/proc/{pid}/ns/net"))?,
            server,
            answering: answering(program, pid.parse()?)?,
            rates: Vec::new(),
            costs: Vec::new(),
            lost: 0,
            latencies: Vec::new(),
        })
    }

    fn saturate(&mut self) -> Result<()> {
        let before = processor_time(self.answering)?;
        let text = self.dnsperf(&["-q", WINDOW])?;
        let spent = processor_time(self.answering)? - before;
        let answers = figure(&text, "Queries completed:")?;
        ensure!(answers > 0.0, "no answer");
        self.costs.push(spent / answers);
        self.rates.push(figure(&text, "Queries per second:")?);
        self.lost += figure(&text, "Queries lost:")? as u64;
        Ok(())
    }

    fn pace(&mut self) -> Result<()> {
        let text = self.dnsperf(&["-q", WINDOW, "-Q", PACE, "-v"])?;
        self.latencies.extend(latencies(&text));
        Ok(())
    }

    /// What dnsperf prints, run inside the asker's network.
    fn dnsperf(&self, arguments: &[&str]) -> Result<String> {
        // It begins again at the end, so that this cannot be a pipe.
        let mut questions = tempfile::NamedTempFile::new()?;
        write!(questions, "{TARGET} A\n{ASKER} A\n")?;
        let _inside = netns::enter(self.namespace.as_fd())?;
        let output = Command::new("dnsperf")
            .args(["-s", &self.server.to_string(), "-l", SECONDS, "-d"])
            .arg(questions.path())
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .context("dnsperf (Debian package dnsperf)")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "dnsperf: {said}");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn print(&mut self) {
        self.rates.sort_by(f64::total_cmp);
        self.costs.sort_by(f64::total_cmp);
        self.latencies.sort_by(f64::total_cmp);
        println!(
            "{:<30} {:>10.0} {:>10.0} {:>8} {:>9.2} µs {:>7.3} ms {:>7.3} ms",
            self.program,
            at(&self.rates, 0.5),
            at(&self.rates, 1.0),
            self.lost,
            at(&self.costs, 0.5) * 1e6,
            at(&self.latencies, 0.5) * 1000.0,
            at(&self.latencies, 0.99) * 1000.0,
        );
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        clean(&self.program);
    }
}

/// The process that answers the questions of the container with this init: rbox's monitor is its
/// parent; the others have one process for all.
fn answering(program: &str, init: u32) -> Result<u32> {
    let name = match program {
        "docker" => "dockerd",
        "podman" => "aardvark-dns",
        _ => return Ok(stat(init)?.get(1).context("a short stat")?.parse()?),
    };
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        let comm = fs::read_to_string(path.join("comm")).unwrap_or_default();
        if comm.trim() == name
            // Another's, in namespaces of its own, is not the one that was started here.
            && same_namespace(&path)
            && let Some(pid) = path.file_name().and_then(|pid| pid.to_str()?.parse().ok())
        {
            return Ok(pid);
        }
    }
    anyhow::bail!("there is no process {name}")
}

fn same_namespace(process: &Path) -> bool {
    let of = |path: &Path| fs::read_link(path.join("ns/mnt")).ok();
    let own = of(Path::new("/proc/self"));
    own.is_some() && of(process) == own
}

/// The fields of /proc/PID/stat from the third, the state, on.
fn stat(pid: u32) -> Result<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = text.rsplit_once(')').context("no name in stat")?;
    Ok(fields.split_whitespace().map(str::to_owned).collect())
}

/// User and system time of a process, seconds: fields 14 and 15 of proc_pid_stat(5).
fn processor_time(pid: u32) -> Result<f64> {
    let fields = stat(pid)?;
    let ticks =
        |index: usize| -> Result<f64> { Ok(fields.get(index).context("a short stat")?.parse()?) };
    Ok((ticks(11)? + ticks(12)?) / rustix::param::clock_ticks_per_second() as f64)
}

/// What an earlier run that was interrupted may have left is no failure.
fn clean(program: &str) {
    let _ = quiet(program, &["rm", "-f", TARGET, ASKER]);
    let _ = quiet(program, &["network", "rm", NETWORK]);
}

/// The value of sorted samples below which this part of them lies.
fn at(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let index = (part * last as f64).round() as usize;
    sorted.get(index).copied().unwrap_or(f64::NAN)
}

/// `  Queries per second:   51234.5`, of dnsperf's closing lines.
fn figure(text: &str, name: &str) -> Result<f64> {
    text.lines()
        .find_map(|line| {
            let value = line.trim().strip_prefix(name)?;
            value.split_whitespace().next()?.parse().ok()
        })
        .with_context(|| format!("dnsperf did not say {name}"))
}

/// The times of `> NOERROR name A 0.000123`.
fn latencies(text: &str) -> impl Iterator<Item = f64> {
    text.lines().filter_map(|line| {
        line.strip_prefix("> NOERROR ")?
            .split(' ')
            .next_back()?
            .parse()
            .ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dnsperf_prints_is_read() {
        let text = "> NOERROR web A 0.000123\n> T web A\n> NXDOMAIN x A 0.1\n\
                    Statistics:\n\n  Queries sent:         9\n  Queries lost:         1 (0.00%)\n\
                    \n  Queries per second:   51234.500000\n";
        assert_eq!(latencies(text).collect::<Vec<_>>(), [0.000_123]);
        assert_eq!(figure(text, "Queries per second:").unwrap(), 51234.5);
        assert_eq!(figure(text, "Queries lost:").unwrap(), 1.0);
        assert!(figure(text, "Queries completed:").is_err());
    }

    #[test]
    fn percentiles_are_samples() {
        let sorted: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!([at(&sorted, 0.5), at(&sorted, 0.99)], [50.0, 99.0]);
        assert!(at(&[], 0.5).is_nan());
    }
}
