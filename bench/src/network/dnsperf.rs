//! Resolvers, as Debian's dnsperf measures them from inside a container.
//!
//! Two runs each: how many answers a second when 32 questions are kept under way, and what
//! processor time each answer cost the process that gave it, which other work on the machine
//! changes little; then how long an answer takes when 5,000 are asked a second. dnsperf 2.10 has
//! no percentiles; its `-v` prints each answer's time, and they are taken from that.

use std::fs;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Context as _, Result, ensure};
use rbox_netsetup::files::resolv;

use super::Namespace;
use super::containers::Containers;
use super::host::Host;
use super::processor::{answering, processor_time};
use crate::engine::{CommandLine, Engine};
use crate::field::Field;
use crate::statistics;

/// Two names are asked for, the asker's own and another's.
const NAMES: [&str; 2] = ["bench-dns-target", "bench-dns-asker"];

/// Questions under way, as many as a busy server's threads may have.
const WINDOW: &str = "32";

/// Questions a second while latency is measured.
const PACE: &str = "5000";

/// The installed program, and the questions.
pub struct Dnsperf {
    program: PathBuf,
    questions: tempfile::NamedTempFile,
    /// How long each measurement takes.
    seconds: String,
}

/// A container that asks. Dropped, it is gone, and what is asked for.
pub struct Asker {
    /// The engine's.
    pub name: &'static str,
    namespace: Namespace,
    server: IpAddr,
    /// The process that answers.
    answering: i32,
    _containers: Containers,
}

/// Asked for as much as it can.
pub struct Saturated {
    /// Answers a second.
    pub rate: f64,
    /// Processor time an answer, microseconds.
    pub cost: f64,
    /// Questions without answer.
    pub lost: u64,
}

/// Asked for less than it can; how long an answer takes, milliseconds.
pub struct Paced {
    /// Half take longer.
    pub median: f64,
    /// One in a hundred takes longer.
    pub p99: f64,
}

impl Dnsperf {
    /// `None`, and a skip, where it is not installed.
    pub fn find(field: &Field) -> Result<Option<Dnsperf>> {
        let Some(program) = Field::find("dnsperf") else {
            field.skip("resolver", "dnsperf is not installed");
            return Ok(None);
        };
        // It begins again at the end, so that this cannot be a pipe.
        let mut questions = tempfile::NamedTempFile::new()?;
        for name in NAMES {
            writeln!(questions, "{name} A")?;
        }
        Ok(Some(Dnsperf {
            program,
            questions,
            seconds: if field.quick { "1" } else { "4" }.to_owned(),
        }))
    }

    /// As many questions as are answered.
    pub fn saturate(&self, asker: &Asker) -> Result<Saturated> {
        let before = processor_time(asker.answering)?;
        let text = self.ask(asker, &[])?;
        let spent = processor_time(asker.answering)? - before;
        let answers = figure(&text, "Queries completed:")?;
        ensure!(answers > 0.0, "{}: no answer", asker.name);
        Ok(Saturated {
            rate: figure(&text, "Queries per second:")?,
            cost: spent / answers * 1e6,
            lost: figure(&text, "Queries lost:")? as u64,
        })
    }

    /// As many as all can answer.
    pub fn pace(&self, asker: &Asker) -> Result<Paced> {
        let text = self.ask(asker, &["-Q", PACE, "-v"])?;
        let mut times: Vec<f64> = latencies(&text).map(|seconds| seconds * 1e3).collect();
        times.sort_by(f64::total_cmp);
        let at = |part| statistics::at(&times, part).context("no answers");
        Ok(Paced {
            median: at(0.5)?,
            p99: at(0.99)?,
        })
    }

    fn ask(&self, asker: &Asker, further: &[&str]) -> Result<String> {
        let server = asker.server.to_string();
        let questions = self.questions.path().to_string_lossy();
        let mut words = vec!["-s", &server, "-q", WINDOW, "-l", &self.seconds];
        words.extend(["-d", &questions]);
        words.extend(further);
        asker
            .namespace
            .output(&CommandLine::new(&self.program, &words))
    }
}

impl Asker {
    /// On a network of its own.
    pub fn new(engine: &Engine) -> Result<Asker> {
        let containers = Containers::on_a_network(Rc::new(Host::shared(engine)?), "bench-dns")?;
        let [target, asker] = NAMES;
        containers.start(target, &[])?;
        let pid = containers.start(asker, &[])?;
        let conf = fs::read_to_string(format!("/proc/{pid}/root/etc/resolv.conf"))?;
        let servers = resolv::nameservers(&conf);
        Ok(Asker {
            name: engine.name,
            namespace: Namespace::of(pid)?,
            server: *servers.first().context("a container without server")?,
            answering: answering(engine.name, pid)?,
            _containers: containers,
        })
    }
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

/// The times of `> NOERROR name A 0.000123`, seconds.
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
}
