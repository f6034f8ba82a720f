//! The limits that `update` is given: by flags, or as JSON.

use std::io::Read;

use oci_spec::runtime::{LinuxBlockIo, LinuxCpu, LinuxMemory, LinuxPids, LinuxResources};

use super::flags::{Flag, Kind, Parsed};
use crate::cli::parse::size;
use crate::engine::failure::{Context, Failure};
use crate::output::go_text::quote;

macro_rules! flag {
    ($name:ident, $long:literal, $kind:ident, $about:literal) => {
        static $name: Flag = Flag::new($long, Kind::$kind, $about);
    };
}

static RESOURCES: Flag = Flag::with_short(
    "resources",
    "r",
    Kind::Text,
    "file of limits in the form of config.json's linux.resources, or - for standard input; \
     other options are ignored then",
);
flag!(
    BLKIO_WEIGHT,
    "blkio-weight",
    Number,
    "block I/O weight, 10 to 1000"
);
flag!(
    CPU_PERIOD,
    "cpu-period",
    Text,
    "period of the CPU limit in microseconds"
);
flag!(
    CPU_QUOTA,
    "cpu-quota",
    Text,
    "CPU time in a period in microseconds, -1 for no limit"
);
flag!(
    CPU_BURST,
    "cpu-burst",
    Text,
    "CPU time that may be saved up, in microseconds"
);
flag!(
    CPU_SHARE,
    "cpu-share",
    Text,
    "CPU weight against other containers"
);
flag!(
    CPU_RT_PERIOD,
    "cpu-rt-period",
    Text,
    "period of the real-time limit in microseconds"
);
flag!(
    CPU_RT_RUNTIME,
    "cpu-rt-runtime",
    Text,
    "real-time CPU time in a period in microseconds"
);
flag!(CPUSET_CPUS, "cpuset-cpus", Text, "CPUs to use");
flag!(CPUSET_MEMS, "cpuset-mems", Text, "memory nodes to use");
flag!(MEMORY, "memory", Text, "memory limit in bytes, -1 for none");
flag!(
    MEMORY_RESERVATION,
    "memory-reservation",
    Text,
    "soft memory limit in bytes"
);
flag!(
    MEMORY_SWAP,
    "memory-swap",
    Text,
    "memory and swap together in bytes, -1 for no limit"
);
flag!(
    PIDS_LIMIT,
    "pids-limit",
    Number,
    "most processes and threads, -1 for no limit"
);
flag!(
    CPU_IDLE,
    "cpu-idle",
    Number,
    "1: only CPU time that nobody else wants"
);
flag!(KERNEL_MEMORY, "kernel-memory", Refused, "");
flag!(KERNEL_MEMORY_TCP, "kernel-memory-tcp", Refused, "");
flag!(L3_CACHE, "l3-cache-schema", Refused, "");
flag!(MEMORY_BANDWIDTH, "mem-bw-schema", Refused, "");

/// The flags of `update`.
pub static FLAGS: &[&Flag] = &[
    &RESOURCES,
    &BLKIO_WEIGHT,
    &CPU_PERIOD,
    &CPU_QUOTA,
    &CPU_BURST,
    &CPU_SHARE,
    &CPU_RT_PERIOD,
    &CPU_RT_RUNTIME,
    &CPUSET_CPUS,
    &CPUSET_MEMS,
    &MEMORY,
    &MEMORY_RESERVATION,
    &MEMORY_SWAP,
    &PIDS_LIMIT,
    &CPU_IDLE,
    &KERNEL_MEMORY,
    &KERNEL_MEMORY_TCP,
    &L3_CACHE,
    &MEMORY_BANDWIDTH,
];

/// The limits to set. What is not named, or 0, stays as it is.
pub fn read(flags: &Parsed) -> Result<LinuxResources, Failure> {
    let Some(path) = flags.text(&RESOURCES) else {
        return from_flags(flags);
    };
    let mut bytes = Vec::new();
    if path == "-" {
        std::io::stdin().read_to_end(&mut bytes).map(drop)
    } else {
        std::fs::read(path).map(|content| bytes = content)
    }
    .context(|| format!("read {path}"))?;
    from_json(&bytes).context(|| format!("parse {path}"))
}

fn from_json(bytes: &[u8]) -> serde_json::Result<LinuxResources> {
    serde_json::from_slice(bytes).map(without_zeros)
}

fn from_flags(flags: &Parsed) -> Result<LinuxResources, Failure> {
    let mut cpu = LinuxCpu::default();
    cpu.set_period(unsigned(flags, &CPU_PERIOD)?)
        .set_quota(signed(flags, &CPU_QUOTA)?)
        .set_burst(unsigned(flags, &CPU_BURST)?)
        .set_shares(unsigned(flags, &CPU_SHARE)?)
        .set_realtime_period(unsigned(flags, &CPU_RT_PERIOD)?)
        .set_realtime_runtime(signed(flags, &CPU_RT_RUNTIME)?)
        .set_cpus(flags.text(&CPUSET_CPUS).map(str::to_owned))
        .set_mems(flags.text(&CPUSET_MEMS).map(str::to_owned))
        .set_idle(flags.number(&CPU_IDLE));
    let mut memory = LinuxMemory::default();
    memory
        .set_limit(bytes(flags, &MEMORY)?)
        .set_reservation(bytes(flags, &MEMORY_RESERVATION)?)
        .set_swap(bytes(flags, &MEMORY_SWAP)?);
    let mut resources = LinuxResources::default();
    resources
        .set_devices(None)
        .set_cpu(Some(cpu))
        .set_memory(Some(memory));
    if let Some(weight) = flags.number(&BLKIO_WEIGHT) {
        let mut block_io = LinuxBlockIo::default();
        let weight =
            u16::try_from(weight).map_err(|_| invalid(&BLKIO_WEIGHT, &weight.to_string()))?;
        block_io.set_weight(Some(weight));
        resources.set_block_io(Some(block_io));
    }
    if let Some(limit) = flags.number(&PIDS_LIMIT) {
        let mut pids = LinuxPids::default();
        pids.set_limit(limit);
        resources.set_pids(Some(pids));
    }
    Ok(without_zeros(resources))
}

fn invalid(flag: &Flag, text: &str) -> Failure {
    Failure::new(format!("invalid value for {}: {}", flag.long, quote(text)))
}

fn unsigned(flags: &Parsed, flag: &Flag) -> Result<Option<u64>, Failure> {
    let number = |text: &str| text.parse().map_err(|_| invalid(flag, text));
    flags.text(flag).map(number).transpose()
}

fn signed(flags: &Parsed, flag: &Flag) -> Result<Option<i64>, Failure> {
    let number = |text: &str| text.parse().map_err(|_| invalid(flag, text));
    flags.text(flag).map(number).transpose()
}

/// `100m`, `-1`.
fn bytes(flags: &Parsed, flag: &Flag) -> Result<Option<i64>, Failure> {
    let number = |text: &str| match text {
        "-1" => Ok(-1),
        text => size::bytes(text).map_err(|_| invalid(flag, text)),
    };
    flags.text(flag).map(number).transpose()
}

/// Leaves out what is 0 or empty: clients that fill in a whole form mean that it stays.
fn without_zeros(mut resources: LinuxResources) -> LinuxResources {
    fn keep<T: Default + PartialEq>(value: Option<T>) -> Option<T> {
        value.filter(|value| *value != T::default())
    }
    if let Some(cpu) = resources.cpu_mut() {
        let (period, quota, burst, shares) = (cpu.period(), cpu.quota(), cpu.burst(), cpu.shares());
        let (rt_period, rt_runtime) = (cpu.realtime_period(), cpu.realtime_runtime());
        let (cpus, mems) = (cpu.cpus().clone(), cpu.mems().clone());
        // 0 is a value of burst and idle.
        cpu.set_period(keep(period))
            .set_quota(keep(quota))
            .set_burst(burst)
            .set_shares(keep(shares))
            .set_realtime_period(keep(rt_period))
            .set_realtime_runtime(keep(rt_runtime))
            .set_cpus(keep(cpus))
            .set_mems(keep(mems));
    }
    if let Some(memory) = resources.memory_mut() {
        let (limit, reservation, swap) = (memory.limit(), memory.reservation(), memory.swap());
        memory
            .set_limit(keep(limit))
            .set_reservation(keep(reservation))
            .set_swap(keep(swap));
    }
    if let Some(block_io) = resources.block_io_mut() {
        let weight = block_io.weight();
        block_io.set_weight(keep(weight));
    }
    if resources.pids().is_some_and(|pids| pids.limit() == 0) {
        resources.set_pids(None);
    }
    resources
}

#[cfg(test)]
mod tests {
    use super::super::flags::parse;
    use super::*;

    fn given(line: &str) -> Result<LinuxResources, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let flags = parse(FLAGS, &words, true).unwrap();
        read(&flags).map_err(|failure| failure.message)
    }

    #[test]
    fn flags_become_limits() {
        let all = "--blkio-weight 100 --cpu-period 50000 --cpu-quota -1 --cpu-share 512 \
                   --cpuset-cpus 0-1 --memory 100m --memory-swap=-1 --pids-limit 7 --cpu-idle 1";
        let got = given(all).unwrap();
        let cpu = got.cpu().as_ref().unwrap();
        assert_eq!(
            (cpu.period(), cpu.quota(), cpu.shares()),
            (Some(50_000), Some(-1), Some(512))
        );
        assert_eq!(
            (cpu.cpus().as_deref(), cpu.mems(), cpu.idle()),
            (Some("0-1"), &None, Some(1))
        );
        let memory = got.memory().as_ref().unwrap();
        assert_eq!((memory.limit(), memory.swap()), (Some(100 << 20), Some(-1)));
        assert_eq!(got.pids().as_ref().unwrap().limit(), 7);
        assert_eq!(got.block_io().as_ref().unwrap().weight(), Some(100));
    }

    #[test]
    fn wrong_values_are_refused_by_the_flags_name() {
        for (line, text) in [
            ("--cpu-quota x", "invalid value for cpu-quota: \"x\""),
            ("--cpu-share -1", "invalid value for cpu-share: \"-1\""),
            ("--memory lots", "invalid value for memory: \"lots\""),
            (
                "--blkio-weight 70000",
                "invalid value for blkio-weight: \"70000\"",
            ),
        ] {
            assert_eq!(given(line).unwrap_err(), text);
        }
    }

    #[test]
    fn zeros_of_a_filled_in_form_change_nothing() {
        let form = br#"{"memory": {"limit": 0, "swap": 5}, "cpu": {"shares": 0, "cpus": ""},
            "blockIO": {"weight": 0}, "pids": {"limit": 0}}"#;
        let got = from_json(form).unwrap();
        let memory = got.memory().as_ref().unwrap();
        assert_eq!((memory.limit(), memory.swap()), (None, Some(5)));
        let cpu = got.cpu().as_ref().unwrap();
        assert_eq!((cpu.shares(), cpu.cpus()), (None, &None));
        assert!(got.pids().is_none());
        assert_eq!(got.block_io().as_ref().unwrap().weight(), None);
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = given("-r /nonexistent/limits").unwrap_err();
        assert!(error.starts_with("read /nonexistent/limits: "), "{error}");
    }
}
