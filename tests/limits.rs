//! Limits on memory, processors and processes, as they are written and as they work.

use std::path::Path;

use crate::harness::{Host, Output};

/// Names of a control in the two versions of cgroups, as a path inside.
fn control(v1: &str, v2: &str) -> String {
    let unified = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
    format!("/sys/fs/cgroup/{}", if unified { v2 } else { v1 })
}

fn lines(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn refused(output: Output) -> String {
    let error = output.fails(125);
    let text = error.strip_suffix("\n\nRun 'rbox run --help' for more information");
    text.and_then(|text| text.strip_prefix("rbox: "))
        .unwrap_or(&error)
        .to_owned()
}

#[test]
fn memory_is_limited_with_as_much_swap_again() {
    let host = Host::new();
    let limit = control("memory/memory.limit_in_bytes", "memory.max");
    assert_eq!(
        host.shell("-m 64m", &format!("cat {limit}")).ok(),
        "67108864"
    );
    if limit.ends_with("limit_in_bytes") {
        let both = "cat /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes";
        assert_eq!(host.shell("-m 64m", both).ok(), "134217728");
        assert_eq!(
            host.shell("-m 64m --memory-swap 64m", both).ok(),
            "67108864"
        );
        assert_eq!(
            host.shell("-m 64m --memory-swap -1", both).ok(),
            "9223372036854771712"
        );
    } else {
        let swap = "cat /sys/fs/cgroup/memory.swap.max";
        assert_eq!(host.shell("-m 64m", swap).ok(), "67108864");
        assert_eq!(host.shell("-m 64m --memory-swap 64m", swap).ok(), "0");
    }
}

#[test]
fn too_much_memory_kills_the_container() {
    let host = Host::new();
    host.fails(
        137,
        "run --name box -m 16m --memory-swap 16m alpine tail /dev/zero",
    );
    let state = "inspect -f {{.State.OOMKilled}},{{.State.ExitCode}},{{.State.Status}} box";
    assert_eq!(host.ok(state), "true,137,exited");
    assert!(
        host.ok("ps -a --format {{.Status}}")
            .starts_with("Exited (137) ")
    );
    // A child's death is not the container's.
    let script = "tail /dev/zero; echo $?";
    assert_eq!(host.shell("-m 32m --memory-swap 32m", script).ok(), "137");
    // The next run of the same container starts with a clean record.
    host.ok("run -d --name other -m 16m alpine sleep 1000");
    assert_eq!(host.ok("inspect -f {{.State.OOMKilled}} other"), "false");
}

#[test]
fn impossible_memory_limits_are_refused() {
    let host = Host::new();
    for (options, text) in [
        ("-m 1m", "Minimum memory limit allowed is 6MB"),
        (
            "-m 64m --memory-swap 32m",
            "Minimum memoryswap limit should be larger than memory limit, see usage",
        ),
        (
            "--memory-swap 64m",
            "You should always set the Memory limit when using Memoryswap limit, see usage",
        ),
    ] {
        assert_eq!(refused(host.shell(options, "true")), text);
    }
    assert_eq!(
        host.shell("--memory abc", "true").fails(125),
        "invalid argument \"abc\" for \"-m, --memory\" flag: invalid size: 'abc'\n\n\
         Usage:  rbox run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\n\
         Run 'rbox run --help' for more information"
    );
    assert_eq!(host.ok("ps -aq"), "");
}

#[test]
fn processor_time_is_rationed() {
    let host = Host::new();
    let quota = control("cpu/cpu.cfs_quota_us", "cpu.max");
    let period = control("cpu/cpu.cfs_period_us", "cpu.max");
    let both = host
        .shell("--cpus 0.5", &format!("cat {quota} {period}"))
        .ok();
    assert_eq!(lines(&both)[..2], ["50000", "100000"]);
    // A tenth of a processor does not get through a second's work in a second.
    let stat = control("cpu/cpu.stat", "cpu.stat");
    let script = format!(
        "end=$(($(date +%s)+2)); while test $(date +%s) -lt $end; do :; done; \
         awk '/nr_throttled/ {{print $2}}' {stat}"
    );
    let throttled: u32 = host.shell("--cpus 0.1", &script).ok().parse().unwrap();
    assert!(throttled > 0);
    let script = format!("awk '/nr_throttled/ {{print $2}}' {stat}");
    assert_eq!(host.shell("", &script).ok(), "0");
}

#[test]
fn shares_and_processors_are_chosen() {
    let host = Host::new();
    let cpus = control("cpuset/cpuset.cpus", "cpuset.cpus");
    let shares = control("cpu/cpu.shares", "cpu.weight");
    let text = host
        .shell(
            "--cpu-shares 512 --cpuset-cpus 0",
            &format!("cat {shares} {cpus}; nproc"),
        )
        .ok();
    let [shares, cpus, count] = lines(&text)[..] else {
        panic!("{text}")
    };
    assert!(shares == "512" || shares == "59", "{shares}");
    assert_eq!((cpus, count), ("0", "1"));
}

#[test]
fn processors_that_are_not_there_are_refused() {
    let host = Host::new();
    let count: usize = host.sh("nproc").ok().parse().unwrap();
    let range = format!(
        "range of CPUs is from 0.01 to {count}.00, as there are only {count} CPUs available"
    );
    assert_eq!(refused(host.shell("--cpus 9999", "true")), range);
    assert_eq!(refused(host.shell("--cpus -1", "true")), range);
    assert_eq!(
        refused(host.shell("--cpuset-cpus 999", "true")),
        format!(
            "Requested CPUs are not available - requested 999, available: 0-{}",
            count - 1
        )
    );
    let error = host.shell("--cpus bogus", "true").fails(125);
    assert!(error.starts_with(
        "invalid argument \"bogus\" for \"--cpus\" flag: failed to parse bogus as a rational number"
    ));
}

#[test]
fn a_fork_bomb_stops_at_the_limit() {
    let host = Host::new();
    let max = control("pids/pids.max", "pids.max");
    let script = format!("cat {max}; for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done; wait");
    let output = host.shell("--pids-limit 5", &script);
    assert_eq!(output.stdout.trim(), "5");
    assert_eq!(
        output.clone().fails(2),
        "sh: can't fork: Resource temporarily unavailable"
    );
    // exec is in the same cgroup.
    host.ok("run -d --name box --pids-limit 2 alpine sleep 1000");
    let script = "sleep 1000 & sleep 1000 & wait";
    let error = host.rbox(&["exec", "box", "sh", "-c", script]).fails(2);
    assert_eq!(error, "sh: can't fork: Resource temporarily unavailable");
}

#[test]
fn resource_limits_of_the_process_are_set() {
    let host = Host::new();
    let script = "ulimit -n; ulimit -Hn; grep -o 'processes  *50  *50' /proc/self/limits | wc -l";
    let text = host
        .shell("--ulimit nofile=100:200 --ulimit nproc=50", script)
        .ok();
    assert_eq!(lines(&text), ["100", "200", "1"]);
    for (limit, text) in [
        ("bogus=1", "invalid ulimit type: bogus"),
        (
            "nofile=300:200",
            "ulimit soft limit must be less than or equal to hard limit: 300 > 200",
        ),
    ] {
        let error = host.shell(&format!("--ulimit {limit}"), "true").fails(125);
        let start = format!("invalid argument \"{limit}\" for \"--ulimit\" flag: {text}\n");
        assert!(error.starts_with(&start), "{error}");
    }
    let score = host
        .shell("--oom-score-adj 500", "cat /proc/self/oom_score_adj")
        .ok();
    assert_eq!(score, "500");
}

#[test]
fn an_exec_shares_the_limits() {
    let host = Host::new();
    host.ok("run -d --name box -m 32m --memory-swap 32m alpine sleep 1000");
    host.fails(137, "exec box tail /dev/zero");
    assert_eq!(host.ok("inspect -f {{.State.Running}} box"), "true");
    let of_init = host.ok("exec box cat /proc/1/cgroup");
    assert_eq!(host.ok("exec box cat /proc/self/cgroup"), of_init);
    // Seen from outside; in a cgroup namespace it is the root.
    let pid = host.pid("box");
    let of_init = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let id = host.id("box");
    let mounted = |line: &&str| {
        let name = line.split(':').nth(1).unwrap().trim_start_matches("name=");
        name.is_empty() || std::path::Path::new("/sys/fs/cgroup").join(name).exists()
    };
    let ours = format!("/rbox/{id}");
    let mut lines = of_init.lines().filter(mounted);
    assert!(lines.all(|line| line.ends_with(&ours)), "{of_init}");
}
