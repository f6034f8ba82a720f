//! Which tests run in the machine.

use std::time::Duration;

/// One boot.
pub struct Scene {
    /// Names its files and its lines.
    pub name: &'static str,
    /// What is special about it.
    pub title: &'static str,
    /// The kernel's command line beside consoles and disks.
    pub command_line: &'static str,
    /// When it is taken for hung.
    pub patience: Duration,
    /// What runs, one after the other.
    pub programs: &'static [Program],
}

/// Tests of one test program.
pub struct Program {
    /// Directory of its package, below the repository's root.
    pub package: &'static str,
    /// The target's name: the library's for its unit tests, or that of an integration test.
    pub target: &'static str,
    /// Parts of the tests' names: those that contain one of them run.
    pub tests: &'static [&'static str],
    /// Those that contain one of these do not.
    pub without: &'static [&'static str],
}

/// Pure cgroup v2 and nothing but the tests.
pub const PLAIN: Scene = Scene {
    name: "vm",
    title: "a stock Debian kernel with pure cgroup v2",
    command_line: "init=/usr/lib/testmachine/init",
    patience: Duration::from_secs(900),
    programs: &[
        Program {
            package: "runtime",
            target: "rbox_runtime",
            tests: &["cgroup::", "security::"],
            // They try filters without the kernel, many thousand times.
            without: &["seccomp::tests::probes::", "_agree"],
        },
        Program {
            package: "runtime",
            target: "kernel",
            tests: &[
                "limits::",
                "labels::",
                "scheduling::",
                "time_namespace::",
                "mount_words::",
                "mount_kinds::",
                "copy_up::",
                "notify::",
                "devices::",
                "isolation::",
                "entering::",
                "leftovers::",
                "lifecycle::",
                "mounts::",
                "id_mapped",
                "user_namespaces::",
                "attacks_kernel_files::",
            ],
            without: &["fifty_containers"],
        },
        Program {
            package: "",
            target: "stories",
            tests: &[
                "run_and_exit_codes::",
                "names_on_a_network::",
                "limits::",
                "root_in_the_container_is_nobody_on_the_host",
                "a_tmpfs_is_empty_writable",
                "stop_asks_first_and_kills",
                "rm_refuses_what_runs",
                "pause_and_top::",
                "stats::",
                "a_container_is_unhealthy_until_its_check_succeeds",
                "a_probe_that_takes_too_long_is_killed",
                "probes_that_cannot_be_started",
            ],
            // It has an image store of its own, made of hard links.
            without: &["a_commit_of_a_paused"],
        },
    ],
};

/// systemd as the init.
pub const SYSTEMD: Scene = Scene {
    name: "systemd",
    title: "a stock Debian kernel with systemd",
    command_line: "init=/lib/systemd/systemd systemd.wants=testmachine.service",
    patience: Duration::from_secs(600),
    programs: &[
        Program {
            package: "runtime",
            target: "rbox_runtime",
            tests: &["cgroup::systemd::", "cgroup::tests::limits::"],
            without: &[],
        },
        Program {
            package: "runtime",
            target: "kernel",
            tests: &["with_systemd_a_container_is_a_scope", "limits::"],
            without: &[],
        },
        Program {
            package: "",
            target: "stories",
            tests: &[
                "exec_into_a_container::",
                "oci_lifecycle::",
                "two_containers_ping_each_other_by_name",
                "an_exec_shares_the_limits",
                "limits_are_changed_by_flags_and_by_json",
                "port_forwarding::",
            ],
            without: &[],
        },
    ],
};
