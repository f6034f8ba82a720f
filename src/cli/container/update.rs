//! `update`.

use crate::cli::call::{Arity, Call, Spec};
use crate::cli::parse::{number, restart, size};
use crate::cli::stop::{Outcome, Stop, each};
use crate::engine::update::Changes;

/// `update`.
pub static SPEC: Spec = Spec {
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Update configuration of one or more containers",
    arity: Arity::AtLeast(1),
    interspersed: true,
    run,
    examples: "\
rbox update --memory 512m --memory-swap 1g web
rbox update --restart unless-stopped web db
",
    ..Spec::of::<Update>()
};

#[derive(clap::Parser)]
struct Update {
    /// Limit CPU CFS (Completely Fair Scheduler) period
    #[arg(long, value_name = "int", value_parser = number::integer)]
    cpu_period: Option<i64>,
    /// Limit CPU CFS (Completely Fair Scheduler) quota
    #[arg(long, value_name = "int", value_parser = number::integer)]
    cpu_quota: Option<i64>,
    /// CPU shares (relative weight)
    #[arg(short, long, value_name = "int", value_parser = number::integer)]
    cpu_shares: Option<i64>,
    /// Number of CPUs
    #[arg(long, value_name = "decimal", value_parser = number::cpus)]
    cpus: Option<i64>,
    /// CPUs in which to allow execution (0-3, 0,1)
    #[arg(long, value_name = "string")]
    cpuset_cpus: Option<String>,
    /// MEMs in which to allow execution (0-3, 0,1)
    #[arg(long, value_name = "string")]
    cpuset_mems: Option<String>,
    /// Memory limit
    #[arg(short, long, value_name = "bytes", value_parser = size::bytes)]
    memory: Option<i64>,
    /// Memory soft limit
    #[arg(long, value_name = "bytes", value_parser = size::bytes)]
    memory_reservation: Option<i64>,
    /// Swap limit equal to memory plus swap: -1 to enable unlimited swap
    #[arg(long, value_name = "bytes", value_parser = size::swap)]
    memory_swap: Option<i64>,
    /// Tune container pids limit (set -1 for unlimited)
    #[arg(long, value_name = "int", value_parser = number::integer)]
    pids_limit: Option<i64>,
    /// Restart policy to apply when a container exits
    #[arg(long, value_name = "string")]
    restart: Option<String>,
    #[arg(hide = true)]
    containers: Vec<String>,
}

fn run(call: &Call) -> Outcome {
    let line: Update = call.parse()?;
    let numbers = [
        line.cpu_period,
        line.cpu_quota,
        line.cpu_shares,
        line.cpus,
        line.memory,
        line.memory_reservation,
        line.memory_swap,
        line.pids_limit,
    ];
    let texts = [&line.cpuset_cpus, &line.cpuset_mems, &line.restart];
    if numbers.iter().all(Option::is_none) && texts.iter().all(|text| text.is_none()) {
        return Err(Stop::failed(
            "you must provide one or more flags when using this command",
        ));
    }
    let policy = line.restart.as_deref().filter(|policy| !policy.is_empty());
    let changes = Changes {
        cpu_period: line.cpu_period.unwrap_or_default(),
        cpu_quota: line.cpu_quota.unwrap_or_default(),
        cpu_shares: line.cpu_shares.unwrap_or_default(),
        nano_cpus: line.cpus.unwrap_or_default(),
        cpuset_cpus: line.cpuset_cpus.unwrap_or_default(),
        cpuset_mems: line.cpuset_mems.unwrap_or_default(),
        memory: line.memory.unwrap_or_default(),
        memory_reservation: line.memory_reservation.unwrap_or_default(),
        memory_swap: line.memory_swap.unwrap_or_default(),
        pids_limit: line.pids_limit,
        restart: policy
            .map(|policy| restart::policy(policy, false))
            .transpose()?,
    };
    let engine = call.engine()?;
    Ok(each(&line.containers, |name| {
        engine.update(name, &changes)?;
        Ok(name.clone())
    }))
}
