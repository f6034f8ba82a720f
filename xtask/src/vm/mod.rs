//! `cargo xtask vm-test`: the tests that depend on the kernel, on a kernel that users run.
//!
//! ```text
//! Debian ──apt-get──▶ packages ──┬─▶ vmlinuz ──────────────────────────────────┐
//!                                └─▶ userland, modules, guest/ ─▶ base.img ────┤
//! cargo test --no-run ─▶ test programs, rbox, images ─▶ tests.img ─────────────┴─▶ qemu
//!                                                                                   │ ttyS0: the kernel ─▶ console.log
//!                                            report ◀── results ◀── ttyS1: tests ◀──┘
//! ```
//!
//! The machine is emulated (no KVM needed), so it is about ten times slower than this one: it runs
//! what another kernel and a pure cgroup v2 can change ([`scene`]), not everything. It boots from
//! Debian's own packages, which are downloaded once into `target/vm/`; nothing of this machine is in
//! it but the test programs, which lie at the same paths as here. Nothing that it writes stays.

mod base;
mod boot;
mod debian;
mod programs;
mod results;
mod scene;
mod tests_disk;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};

use crate::packages::{self, Package};
use crate::results::Report;
use crate::{features, images, workspace};
use scene::Scene;

/// What the host needs for it.
const PACKAGES: &[Package] = &[
    Package {
        name: "qemu-system-x86",
        program: "qemu-system-x86_64",
        reason: "to run the tests on a stock kernel",
    },
    Package {
        name: "e2fsprogs",
        program: "mke2fs",
        reason: "to make its disks",
    },
    Package {
        name: "kmod",
        program: "depmod",
        reason: "to index its kernel modules",
    },
    Package {
        name: "xz-utils",
        program: "xz",
        reason: "to unpack its kernel modules",
    },
    Package {
        name: "util-linux",
        program: "setpriv",
        reason: "to end the virtual machine with this program",
    },
];

/// What to run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Only the scene with it.
    systemd: bool,
    /// Instead of the scene's tests, those whose names contain this.
    filter: Option<String>,
}

impl Options {
    /// Understands `[--systemd] [FILTER]`.
    pub fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self::default();
        for argument in arguments {
            match argument.as_str() {
                "--systemd" => options.systemd = true,
                name if !name.starts_with('-') && options.filter.is_none() => {
                    options.filter = Some(name.to_owned());
                }
                other => bail!("cargo xtask vm-test [--systemd] [FILTER]: not {other}"),
            }
        }
        Ok(options)
    }
}

/// All scenes. They run at once, since a machine has one processor.
const SCENES: [&Scene; 2] = [&scene::PLAIN, &scene::SYSTEMD];

/// Runs the scenes and prints the closing line.
pub fn run(options: &Options) -> Result<ExitCode> {
    features::check_root("vm-test")?;
    packages::ensure_pip()?;
    images::ensure()?;
    let scenes = if options.systemd {
        &SCENES[1..]
    } else {
        &SCENES
    };
    let mut report = Report::default();
    play(scenes, options.filter.as_deref(), &mut report)?;
    report.print();
    Ok(report.exit_code())
}

/// The part of `cargo xtask test`.
pub fn test(report: &mut Report) -> Result<()> {
    play(&SCENES, None, report)
}

/// Boots a machine a scene, runs its tests and adds up their results. Where this machine cannot
/// have a virtual one, that is a skip.
fn play(scenes: &[&Scene], filter: Option<&str>, report: &mut Report) -> Result<()> {
    for scene in scenes {
        println!("\n== {}: {}", scene.name, scene.title);
    }
    let started = Instant::now();
    let dir = workspace::target().join("vm");
    std::fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
    let lock = File::create(dir.join("lock")).context("creating the virtual machine's lock")?;
    lock.lock().context("locking target/vm")?;

    let debs = match obtain(&dir) {
        Ok(debs) => debs,
        Err(reason) => {
            println!("== vm: SKIPPED: {reason:#}");
            for scene in scenes {
                report.skipped(scene.title, &format!("{reason:#}"));
            }
            return Ok(());
        }
    };
    let base = base::ensure(&dir, &debs)?;
    let built = programs::build()?;
    let mut machines = Vec::new();
    for scene in scenes {
        let runs = built.runs(scene, filter)?;
        let machine = boot::Machine {
            kernel: base.kernel.clone(),
            disks: [
                base.disk.clone(),
                tests_disk::make(&dir, scene.name, &runs)?,
            ],
            command_line: scene.command_line,
            console: dir.join(format!("{}.console", scene.name)),
            patience: scene.patience,
        };
        machines.push((scene.name, machine, results::Results::of(scene.name, &runs)));
    }
    println!(
        "== vm: {}, ready to boot after {:.0} s",
        base.version,
        started.elapsed().as_secs_f64()
    );
    let ended = std::thread::scope(|scope| {
        let running: Vec<_> = machines
            .into_iter()
            .map(|machine| scope.spawn(|| watch(machine)))
            .collect();
        running
            .into_iter()
            .map(|one| one.join().map_err(|_| anyhow!("a machine's watch died"))?)
            .collect::<Result<Vec<_>>>()
    })?;
    for (end, results, console) in ended {
        results.end(end, &console, report);
    }
    println!("== vm: {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// Runs one machine to its end, passing its lines on under its name.
fn watch(
    (name, machine, mut results): (&str, boot::Machine, results::Results),
) -> Result<(boot::End, results::Results, PathBuf)> {
    let end = machine.run(|line| {
        println!("{name:>7} | {line}");
        results.line(line);
    })?;
    Ok((end, results, machine.console))
}

/// What must be there or be downloaded first.
fn obtain(dir: &Path) -> Result<debian::Debs> {
    if std::env::consts::ARCH != "x86_64" {
        bail!("the virtual machine is x86_64 only");
    }
    packages::ensure(PACKAGES)?;
    debian::download(dir)
}

/// A program of the host, to be run; its failure is described by `what`.
fn program(name: &str) -> Result<Command> {
    let path: PathBuf = packages::find(name).with_context(|| format!("no program {name}"))?;
    let mut command = Command::new(path);
    command
        .env("PATH", packages::search_path())
        .stdin(Stdio::null());
    Ok(command)
}

/// Runs it to its end.
fn succeed(command: &mut Command, what: &str) -> Result<()> {
    let status = command.status().with_context(|| what.to_owned())?;
    if status.success() {
        return Ok(());
    }
    bail!("{what}: {status} (its message is above)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options> {
        Options::parse(&arguments.iter().map(|&a| a.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn options_choose_an_init_and_a_filter() {
        assert_eq!(parse(&[]).unwrap(), Options::default());
        let both = Options {
            systemd: true,
            filter: Some("freez".to_owned()),
        };
        assert_eq!(parse(&["--systemd", "freez"]).unwrap(), both);
        assert!(parse(&["a", "b"]).is_err());
        assert!(parse(&["--fast"]).is_err());
    }
}
