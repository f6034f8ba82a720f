//! From the start of a command to its end.

use anyhow::{Context as _, Result};

use crate::engine::{CommandLine, Engine};
use crate::field::{Case, Field};
use crate::finding::{Better, Budget, Finding, Limit, Table, Unit};
use crate::measure::{Entrant, take_turns};

/// `run` of `true` in its variants, `exec` of it.
pub const CASE: Case = Case {
    name: "start",
    about: "from the start of a command to its end: run, exec, and the kernel's floor",
    quick: true,
    run,
};

const NETWORK: &str = "bridge-test";

fn run(field: &Field) -> Result<Vec<Finding>> {
    for engine in field.engines() {
        engine.quiet(&["network", "create", NETWORK])?;
    }
    Ok(vec![bridge(field)?])
}

/// The budget's case, beside the floor with the same bridge.
fn bridge(field: &Field) -> Result<Finding> {
    let words = ["run", "--rm", "--net", NETWORK, "alpine", "true"];
    let mut entrants: Vec<Entrant> = field
        .engines()
        .map(|engine| Entrant::command(engine.name, engine.command(&words)))
        .collect();
    entrants.push(Entrant::command("floor", floor(field)?));
    let contenders = take_turns(entrants, field.rounds(20))?;
    let twice = Budget {
        says: "at most twice the kernel's floor".to_owned(),
        limit: Limit::RatioAtMost {
            of: "rbox".to_owned(),
            to: "floor".to_owned(),
            limit: 2.0,
        },
    };
    Ok(Finding::Table(Table {
        id: "start-bridge".to_owned(),
        title: "start to exit of `true` on a user network".to_owned(),
        unit: Unit::Milliseconds,
        better: Better::Lower,
        contenders,
        budgets: vec![twice],
        notes: Vec::new(),
    }))
}

/// On the bridge of our network, which is there while a container runs at the latest.
fn floor(field: &Field) -> Result<CommandLine> {
    let rbox: &Engine = &field.rbox;
    rbox.command(&["run", "--rm", "--net", NETWORK, "alpine", "true"])
        .run()?;
    let about = |format: &str| rbox.quiet(&["network", "inspect", "-f", format, NETWORK]);
    let bridge = about("br-{{slice .Id 0 12}}")?;
    let gateway = about("{{(index .IPAM.Config 0).Gateway}}")?;
    let (lan, _) = gateway.rsplit_once('.').context("an IPv4 gateway")?;
    let rootfs = field.rootfs.to_str().context("a path that is text")?;
    let address = format!("{lan}.250/16");
    let words = [rootfs, &bridge, &address, &gateway];
    Ok(CommandLine::new(&field.floor, &words))
}
