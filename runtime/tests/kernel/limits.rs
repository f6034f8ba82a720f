//! Resource limits, cgroup limits, sysctls, the OOM score.

use oci_spec::runtime::{LinuxMemory, LinuxPids, PosixRlimit, PosixRlimitBuilder, PosixRlimitType};

use crate::support::{Trial, alpine, apart};

fn limit(kind: PosixRlimitType, soft: u64, hard: u64) -> PosixRlimit {
    PosixRlimitBuilder::default()
        .typ(kind)
        .soft(soft)
        .hard(hard)
        .build()
        .unwrap()
}

#[test]
fn resource_limits_are_set() {
    let Some(image) = alpine("limits::resource_limits_are_set") else {
        return;
    };
    apart("resource_limits_are_set", || {
        let mut trial = Trial::shell(&image, "ulimit -n; ulimit -Hn; ulimit -c");
        trial.process(|process| {
            process.set_rlimits(Some(vec![
                limit(PosixRlimitType::RlimitNofile, 100, 200),
                limit(PosixRlimitType::RlimitCore, 0, 0),
            ]));
        });
        assert_eq!(trial.output(), "100\n200\n0\n");
    });
}

#[test]
fn a_limit_above_the_hard_limit_in_force_is_named() {
    let Some(image) = alpine("limits::a_limit_above_the_hard_limit") else {
        return;
    };
    apart("a_limit_above_the_hard_limit", || {
        let caps = rustix::thread::capabilities(None).unwrap().effective;
        if caps.contains(rustix::thread::CapabilitySet::SYS_RESOURCE) {
            return;
        }
        let hard = rustix::process::getrlimit(rustix::process::Resource::Nofile)
            .maximum
            .unwrap();
        let mut trial = Trial::new(&image, &["true"]);
        trial.process(|process| {
            let limit = limit(PosixRlimitType::RlimitNofile, 10, hard + 1);
            process.set_rlimits(Some(vec![limit]));
        });
        assert_eq!(
            trial.failure().1,
            format!(
                "error setting rlimit RLIMIT_NOFILE to {}: operation not permitted: \
                 the hard limit in force is {hard}",
                hard + 1
            )
        );
    });
}

#[test]
fn the_cgroups_limits_hold_for_the_first_process() {
    let Some(image) = alpine("limits::the_cgroups_limits_hold") else {
        return;
    };
    apart("the_cgroups_limits_hold", || {
        let file = "/sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max";
        let script =
            format!("cat {file} 2>/dev/null; for i in 1 2 3 4 5 6; do sleep 1 & done; wait");
        let mut trial = Trial::shell(&image, &script);
        trial.linux(|linux| {
            let mut resources = linux.resources().clone().unwrap();
            let (mut memory, mut pids) = (LinuxMemory::default(), LinuxPids::default());
            memory.set_limit(Some(64 << 20));
            pids.set_limit(4);
            resources.set_memory(Some(memory)).set_pids(Some(pids));
            linux.set_resources(Some(resources));
        });
        let outcome = trial.run();
        assert!(outcome.stdout.contains("67108864"), "{outcome:?}");
        assert!(
            outcome.stderr.contains("can't fork: Resource temporarily"),
            "{outcome:?}"
        );
    });
}

#[test]
fn dockers_network_sysctls_and_others_are_set() {
    let Some(image) = alpine("limits::dockers_network_sysctls") else {
        return;
    };
    apart("dockers_network_sysctls", || {
        let script = "cd /proc/sys; cat net/ipv4/ip_unprivileged_port_start \
                      net/ipv4/ping_group_range kernel/msgmax";
        let mut trial = Trial::shell(&image, script);
        trial.linux(|linux| {
            let sysctls = linux.sysctl_mut().get_or_insert_default();
            sysctls.insert("kernel.msgmax".into(), "9999".into());
        });
        assert_eq!(trial.output(), "0\n0\t2147483647\n9999\n");
        let ours = std::fs::read_to_string("/proc/sys/kernel/msgmax").unwrap();
        assert_ne!(ours.trim(), "9999", "the host's value changed");
    });
}

#[test]
fn an_unknown_sysctl_is_named_as_docker_names_it() {
    let Some(image) = alpine("limits::an_unknown_sysctl") else {
        return;
    };
    apart("an_unknown_sysctl", || {
        let mut trial = Trial::new(&image, &["true"]);
        trial.linux(|linux| {
            linux.set_sysctl(Some([("net.ipv4.nosuch".into(), "1".into())].into()));
        });
        assert_eq!(
            trial.failure().1,
            "error during container init: open /proc/sys/net/ipv4/nosuch: no such file or directory"
        );
    });
}

#[test]
fn the_oom_score_is_set() {
    let Some(image) = alpine("limits::the_oom_score") else {
        return;
    };
    apart("the_oom_score", || {
        let mut trial = Trial::new(&image, &["cat", "/proc/self/oom_score_adj"]);
        trial.process(|process| {
            process.set_oom_score_adj(Some(500));
        });
        assert_eq!(trial.output(), "500\n");
    });
}
