//! One run: engines up, cases one after the other, engines down.

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::arguments::Arguments;
use crate::cases;
use crate::engine::docker::Daemon;
use crate::engine::{CommandLine, rbox};
use crate::field::{Case, Field, Need};
use crate::lineup::{Images, Lineup};
use crate::report::{self, Group, Machine, Recorder, Results, terminal};

/// When a quick run begins no other case, so that it ends within two minutes.
const QUICK: Duration = Duration::from_secs(100);

/// A load average that makes itself felt.
const BUSY: f64 = 1.0;

/// Measures what is asked for. A case that fails is told and the others go on; the run has failed.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let begin = Instant::now();
    let session = Session::start(arguments)?;
    let mut results = Results {
        machine: Machine::this(),
        versions: session.versions(),
        skips: session.field.skips.take(),
        groups: Vec::new(),
    };
    let recorder = arguments.report.as_deref().map(|directory| {
        let whole = arguments.cases.is_empty();
        Recorder::open(directory, &results.machine, whole)
    });
    let recorder = recorder.transpose()?;
    let busy = report::load();
    if busy.parse::<f64>().is_ok_and(|load| load > BUSY) {
        println!("the machine is busy (load average {busy}): figures will be rough");
    }
    let mut failed = false;
    for case in cases::ALL.iter().filter(|case| wanted(arguments, case)) {
        if arguments.quick && begin.elapsed() > QUICK {
            session.field.skip(case.name, "--quick has no time left");
            results.skips.extend(session.field.skips.take());
            continue;
        }
        println!("\n== {}: {}", case.name, case.about);
        let began = Instant::now();
        let (date, load) = (report::date(), report::load());
        let findings = (case.run)(&session.field).unwrap_or_else(|error| {
            failed = true;
            println!("FAILED {}: {error:#}", case.name);
            session
                .field
                .skip(case.name, format!("it failed: {error:#}"));
            Vec::new()
        });
        findings.iter().for_each(terminal::print);
        session.clear();
        println!("== {}: {:.0} s", case.name, began.elapsed().as_secs_f64());
        results.groups.push(Group {
            name: case.name.to_owned(),
            about: case.about.to_owned(),
            date,
            load,
            findings,
            skips: session.field.skips.take(),
        });
        if let Some(recorder) = &recorder {
            recorder.keep(&results)?;
        }
    }
    terminal::summarise(&results, arguments.quick);
    println!("\n== all: {:.0} s", begin.elapsed().as_secs_f64());
    if let Some(recorder) = &recorder {
        recorder.finish(&results)?;
    }
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// All, those for which there is little time, or those that are named.
fn wanted(arguments: &Arguments, case: &Case) -> bool {
    match &arguments.cases[..] {
        [] => case.quick || !arguments.quick,
        names => names.iter().any(|name| name == case.name),
    }
}

/// What cases use beside the engines, and how each is asked for its version.
const PROGRAMS: [(&str, &str); 8] = [
    ("crun", "--version"),
    ("runc", "--version"),
    ("/usr/lib/podman/netavark", "--version"),
    ("/usr/lib/podman/aardvark-dns", "--version"),
    ("umoci", "--version"),
    ("skopeo", "--version"),
    ("iperf3", "--version"),
    ("docker-registry", "--version"),
];

/// The field, and what keeps it working.
struct Session {
    field: Field,
    /// Ends when it is dropped.
    _docker: Option<Daemon>,
}

impl Session {
    /// What no chosen case needs is not brought up. A record tells the version of everyone.
    fn start(arguments: &Arguments) -> Result<Self> {
        let needed = |need: Need| {
            let mut cases = cases::ALL.iter().filter(|case| wanted(arguments, case));
            arguments.report.is_some() || cases.any(|case| case.needs.contains(&need))
        };
        let (scratch, archives) = (&arguments.scratch, &arguments.images);
        let rbox = rbox::engine(&arguments.rbox, scratch)?;
        let flask = archives.join("flask-3.1.tar.gz");
        let images = Images {
            alpine: archives.join("alpine-3.23.tar.gz"),
            flask: needed(Need::Flask).then(|| flask.clone()),
        };
        let rootfs = scratch.join("rootfs");
        let lineup = Lineup::prepare(&rbox, needed(Need::Peers), &images, scratch, &rootfs)?;
        let field = Field {
            rbox,
            peers: lineup.peers,
            rootfs,
            alpine: images.alpine,
            flask,
            floor: std::env::current_exe()?.with_file_name("floor"),
            scratch: scratch.join("cases"),
            quick: arguments.quick,
            fixed_rounds: arguments.rounds,
            skips: Default::default(),
        };
        for skip in lineup.skips {
            field.skip(skip.what, skip.reason);
        }
        fs::create_dir(&field.scratch)?;
        Ok(Self {
            field,
            _docker: lineup.docker,
        })
    }

    /// What every program says of itself that takes part, those among them that only some cases use.
    fn versions(&self) -> Vec<String> {
        let engines = self
            .field
            .engines()
            .map(|engine| engine.command(&["--version"]));
        let others = PROGRAMS.iter().filter_map(|(name, flag)| {
            let program = Field::find(name)?;
            Some(CommandLine::new(program, &[flag]))
        });
        let versions = engines.chain(others).filter_map(|command| {
            let output = command.output().ok()?;
            let line = output.lines().next()?.trim();
            // One of them begins with where it lies.
            Some(
                line.rsplit_once("bin/")
                    .map_or(line, |(_, rest)| rest)
                    .to_owned(),
            )
        });
        versions.collect()
    }

    /// A case that failed may have left containers; the next one shall not meet them.
    fn clear(&self) {
        for engine in self.field.engines() {
            let left = engine.quiet(&["ps", "-aq"]).unwrap_or_default();
            let ids: Vec<&str> = left.split_whitespace().collect();
            if !ids.is_empty() {
                let words = [&["rm", "-f"], &ids[..]].concat();
                let _ = engine.quiet(&words);
            }
            let _ = engine.quiet(&["network", "prune", "-f"]);
        }
        if let Ok(entries) = fs::read_dir(&self.field.scratch) {
            for entry in entries.flatten() {
                let path = entry.path();
                let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.clear();
    }
}
