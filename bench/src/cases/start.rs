//! From the start of a command to its end: `run` of `true` in its variants, and `exec` of it.

use std::time::Instant;

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result};

use crate::engine::{CommandLine, Engine, docker, podman, rbox};
use crate::field::{Case, Field, Need};
use crate::finding::{Better, Budget, Finding, Limit, Table, Unit};
use crate::measure::{Entrant, milliseconds};

/// What a user waits for.
pub const CASE: Case = Case {
    name: "start",
    about: "Commands from their start to their end: run, exec, and the kernel's floor",
    quick: true,
    needs: &[Need::Peers],
    run,
};

const NETWORK: &str = "bridge-test";

/// Of containers that outlive the command that made them.
const NAME: &str = "bench-start";

/// How often each is measured.
const ROUNDS: usize = 30;

/// Starts without a pause.
const ROW: u32 = 10;

/// The first port that is published; every engine has its own, so that none waits for another.
const PORT: usize = 18_080;

fn run(field: &Field) -> Result<Vec<Finding>> {
    for engine in field.engines() {
        engine.quiet(&["network", "create", NETWORK])?;
    }
    let mut findings = vec![user_network(field)?, no_network(field)?, exec(field)?];
    if !field.quick {
        let limits = ["-m", "256m", "--cpus", "1", "--pids-limit", "100"];
        findings.extend([
            variant(field, "start-default", "on the default network", |_| {
                Vec::new()
            })?,
            variant(field, "start-port", "with a published port", |place| {
                vec!["-p".to_owned(), format!("{}:80", PORT + place)]
            })?,
            variant(
                field,
                "start-limits",
                "with limits of memory, processors and processes",
                |_| limits.map(str::to_owned).to_vec(),
            )?,
            detached(field)?,
            row(field)?,
        ]);
    }
    Ok(findings)
}

/// The budget's case, beside the floor on the same bridge.
fn user_network(field: &Field) -> Result<Finding> {
    let mut entrants = runs(field, |_| vec!["--net".to_owned(), NETWORK.to_owned()]);
    entrants.push(Entrant::command("floor", floor_on_bridge(field, NETWORK)?));
    let id = "start-network";
    let mut table = table(id, "`run --rm --net=bridge-test alpine true`");
    table.contenders = field.compete(id, entrants, ROUNDS)?;
    table.budgets = vec![
        at_most("at most twice the kernel's floor", "floor", 2.0),
        at_most("at most 1/15 of `docker run`", docker::NAME, 1.0 / 15.0),
        at_most("at most 1/15 of `podman run`", podman::NAME, 1.0 / 15.0),
    ];
    Ok(Finding::Table(table))
}

fn no_network(field: &Field) -> Result<Finding> {
    let mut entrants = runs(field, |_| vec!["--net".to_owned(), "none".to_owned()]);
    let rootfs = field.rootfs.to_str().context("a path that is text")?;
    let floor = CommandLine::new(&field.floor, &[rootfs]);
    entrants.push(Entrant::command("floor", floor));
    let id = "start-none";
    let mut table = table(id, "`run --rm --net=none alpine true`");
    table.contenders = field.compete(id, entrants, ROUNDS)?;
    Ok(Finding::Table(table))
}

fn variant(
    field: &Field,
    id: &str,
    title: &str,
    flags: impl Fn(usize) -> Vec<String>,
) -> Result<Finding> {
    let mut table = table(id, &format!("`run --rm alpine true`, {title}"));
    table.contenders = field.compete(id, runs(field, flags), ROUNDS)?;
    Ok(Finding::Table(table))
}

fn detached(field: &Field) -> Result<Finding> {
    let entrants = field.engines().map(|engine| {
        let start = ["run", "-d", "--name", NAME, "alpine", "sleep", "1000000"];
        let commands = vec![engine.command(&start), remove(engine)];
        Entrant::commands(engine.name, commands, Vec::new())
    });
    let id = "start-detached";
    let mut table = table(id, "`run -d alpine sleep`, then `rm -f`");
    table.contenders = field.compete(id, entrants.collect(), ROUNDS)?;
    table.notes.push(
        "Podman asks a container to end and waits 10 seconds before it kills it; it is told not to \
         wait (`rm -f -t 0`)."
            .to_owned(),
    );
    Ok(Finding::Table(table))
}

/// Without pauses, so that what engines put off until after their answer counts.
fn row(field: &Field) -> Result<Finding> {
    let words = ["run", "--rm", "--net", NETWORK, "alpine", "true"];
    let entrants = field.engines().map(|engine| {
        let command = engine.command(&words);
        Entrant::new(engine.name, move || {
            let began = Instant::now();
            for _ in 0..ROW {
                command.run()?;
            }
            Ok(milliseconds(began.elapsed()) / f64::from(ROW))
        })
    });
    let id = "start-row";
    let mut table = table(
        id,
        "`run --rm --net=bridge-test alpine true` ten times without a pause, each",
    );
    table.contenders = field.compete(id, entrants.collect(), ROUNDS / 3)?;
    Ok(Finding::Table(table))
}

fn exec(field: &Field) -> Result<Finding> {
    for engine in field.engines() {
        let start = ["run", "-d", "--name", NAME, "alpine", "sleep", "1000000"];
        engine.quiet(&start)?;
    }
    let words = ["exec", NAME, "true"];
    let entrants = field
        .engines()
        .map(|engine| Entrant::command(engine.name, engine.command(&words)));
    let mut table = table("exec", "`exec CONTAINER true`");
    table.contenders = field.compete("exec", entrants.collect(), ROUNDS)?;
    for engine in field.engines() {
        remove(engine).run()?;
    }
    Ok(Finding::Table(table))
}

/// `run --rm FLAGS alpine true` of everyone; the flags may depend on the place in the row.
fn runs(field: &Field, flags: impl Fn(usize) -> Vec<String>) -> Vec<Entrant<'_>> {
    let engines = field.engines().enumerate();
    engines
        .map(|(place, engine)| {
            let mut words = vec!["run".to_owned(), "--rm".to_owned()];
            words.extend(flags(place));
            words.extend(["alpine".to_owned(), "true".to_owned()]);
            Entrant::command(engine.name, engine.command(&words))
        })
        .collect()
}

fn remove(engine: &Engine) -> CommandLine {
    match engine.name {
        podman::NAME => engine.command(&["rm", "-f", "-t", "0", NAME]),
        _ => engine.command(&["rm", "-f", NAME]),
    }
}

/// On the bridge of a network of ours, which is there once a container has run.
pub fn floor_on_bridge(field: &Field, network: &str) -> Result<CommandLine> {
    let rbox = &field.rbox;
    rbox.command(&["run", "--rm", "--net", network, "alpine", "true"])
        .run()?;
    let about = |format: &str| rbox.quiet(&["network", "inspect", "-f", format, network]);
    let bridge = about("br-{{slice .Id 0 12}}")?;
    let gateway = about("{{(index .IPAM.Config 0).Gateway}}")?;
    let subnet = about("{{(index .IPAM.Config 0).Subnet}}")?;
    let (first, length) = subnet.split_once('/').context("a subnet has a length")?;
    // At its end: addresses are leased from its beginning.
    let hosts = u32::MAX.checked_shr(length.parse()?).unwrap_or_default();
    let first = u32::from(first.parse::<Ipv4Addr>()?);
    let address = Ipv4Addr::from(first + hosts.saturating_sub(5));
    let rootfs = field.rootfs.to_str().context("a path that is text")?;
    let address = format!("{address}/{length}");
    let words = [rootfs, &bridge, &address, &gateway];
    Ok(CommandLine::new(&field.floor, &words))
}

fn table(id: &str, title: &str) -> Table {
    Table {
        id: id.to_owned(),
        title: title.to_owned(),
        unit: Unit::Milliseconds,
        better: Better::Lower,
        contenders: Vec::new(),
        budgets: Vec::new(),
        notes: Vec::new(),
    }
}

fn at_most(says: &str, to: &str, limit: f64) -> Budget {
    let (of, to) = (rbox::NAME.to_owned(), to.to_owned());
    Budget {
        says: says.to_owned(),
        limit: Limit::RatioAtMost { of, to, limit },
    }
}
