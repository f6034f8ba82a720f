//! Containers whose root is nobody outside.

use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, chown};

use oci_spec::runtime::{
    LinuxIdMapping, LinuxIdMappingBuilder, LinuxNamespaceBuilder, LinuxNamespaceType,
};
use rbox_runtime::{ExecRequest, Stdio, exec};

use crate::support::{Trial, alpine, apart, pipe, read_all, reap};

const FIRST: u32 = 100_000;

pub fn range() -> Vec<LinuxIdMapping> {
    let range = LinuxIdMappingBuilder::default()
        .container_id(0u32)
        .host_id(FIRST)
        .size(65_536u32);
    vec![range.build().unwrap()]
}

/// A container with a user namespace of its own. Its files belong to it.
fn mapped(image: &std::path::Path, script: &str) -> Trial {
    let mut trial = Trial::shell(image, script);
    trial.linux(|linux| {
        let mut namespaces = linux.namespaces().clone().unwrap();
        let user = LinuxNamespaceBuilder::default().typ(LinuxNamespaceType::User);
        namespaces.push(user.build().unwrap());
        linux
            .set_namespaces(Some(namespaces))
            // Its value names groups that are not mapped.
            .set_sysctl(None)
            .set_uid_mappings(Some(range()))
            .set_gid_mappings(Some(range()));
    });
    chown(trial.upper(), Some(FIRST), Some(FIRST)).unwrap();
    trial
}

#[test]
fn root_inside_is_nobody_outside() {
    let Some(image) = alpine("user_namespaces::root_inside_is_nobody_outside") else {
        return;
    };
    apart("root_inside_is_nobody_outside", || {
        let trial = mapped(
            &image,
            "id -u; cat /proc/self/uid_map; grep ^CapEff /proc/self/status; ls -ld /proc/self; \
             echo x > /mine; mknod /node c 1 5 2>&1; echo 1 > /proc/sys/vm/drop_caches",
        );
        let outcome = trial.run();
        let lines: Vec<&str> = outcome.stdout.lines().collect();
        assert_eq!(lines[0], "0");
        let map: Vec<&str> = lines[1].split_whitespace().collect();
        assert_eq!(map, ["0", "100000", "65536"]);
        assert_eq!(lines[2], "CapEff:\t00000000a80425fb");
        assert!(
            lines
                .iter()
                .any(|line| line.contains("Operation not permitted")),
            "{outcome:?}"
        );
        assert!(
            outcome.stderr.contains("/proc/sys/vm/drop_caches"),
            "{outcome:?}"
        );
        let written = std::fs::metadata(trial.upper().join("mine")).unwrap();
        assert_eq!((written.uid(), written.gid()), (FIRST, FIRST));
    });
}

#[test]
fn the_standard_devices_and_mounts_are_there() {
    let Some(image) = alpine("user_namespaces::the_standard_devices") else {
        return;
    };
    apart("the_standard_devices", || {
        let script = "echo x > /dev/null && head -c 4 /dev/zero | wc -c && \
                      head -c 1 /dev/urandom | wc -c && \
                      ls /proc/1/status /sys/class/net /dev/shm /dev/mqueue /dev/ptmx && hostname";
        let mut trial = mapped(&image, script);
        trial.spec.set_hostname(Some("mapped".into()));
        let output = trial.output();
        assert!(output.starts_with("4\n1\n"), "{output}");
        assert!(output.ends_with("mapped\n"), "{output}");
    });
}

#[test]
fn streams_can_be_opened_again_by_the_user() {
    let Some(image) = alpine("user_namespaces::streams_can_be_opened_again") else {
        return;
    };
    apart("streams_can_be_opened_again", || {
        let mut trial = mapped(&image, "echo out > /dev/stdout; echo err > /dev/stderr");
        trial.user(1000, 1000);
        let outcome = trial.run();
        assert_eq!(
            (outcome.stdout.as_str(), outcome.stderr.as_str()),
            ("out\n", "err\n")
        );
    });
}

#[test]
fn limits_are_set_from_outside_and_oom_score_too() {
    let Some(image) = alpine("user_namespaces::limits_are_set") else {
        return;
    };
    apart("limits_are_set", || {
        let mut trial = mapped(
            &image,
            "ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj",
        );
        trial.process(|process| {
            let limit = oci_spec::runtime::PosixRlimitBuilder::default()
                .typ(oci_spec::runtime::PosixRlimitType::RlimitNofile)
                .soft(100u64)
                .hard(200u64);
            process
                .set_rlimits(Some(vec![limit.build().unwrap()]))
                .set_oom_score_adj(Some(700));
        });
        assert_eq!(trial.output(), "100\n200\n700\n");
    });
}

#[test]
fn a_later_process_is_in_the_same_user_namespace() {
    let Some(image) = alpine("user_namespaces::a_later_process") else {
        return;
    };
    apart("a_later_process", || {
        let mut trial = mapped(&image, "sleep 100");
        trial.args(&["sleep", "100"]);
        let (running, _out, _err) = trial.start();
        let mut other = mapped(
            &image,
            "id -u; readlink /proc/self/ns/user; cat /proc/1/comm",
        );
        other.process(|process| {
            process.set_no_new_privileges(Some(true));
        });
        let (out, stdout) = pipe();
        let stdio = Stdio::Fds {
            stdin: std::fs::File::open("/dev/null").unwrap().into(),
            stderr: stdout.try_clone().unwrap(),
            stdout,
        };
        let process = other.spec.process().as_ref().unwrap();
        let request = ExecRequest::new(running.pid, &running.cgroup, process, stdio);
        let executed = exec(request).unwrap();
        let namespace = std::fs::read_link(format!("/proc/{}/ns/user", running.pid)).unwrap();
        let expected = format!("0\n{}\nsleep\n", namespace.display());
        assert_eq!(read_all(out), expected);
        assert_eq!(reap(executed.pidfd.as_fd()), 0);
        running.cgroup.kill_all().unwrap();
        reap(running.pidfd.as_fd());
        running.cgroup.delete().unwrap();
    });
}

#[test]
fn a_user_namespace_can_be_another_containers_with_its_network() {
    let Some(image) = alpine("user_namespaces::another_containers") else {
        return;
    };
    apart("another_containers", || {
        let mut first = mapped(&image, "");
        first.args(&["sleep", "100"]);
        let (running, _out, _err) = first.start();
        let script = "id -u; for n in user net pid; do readlink /proc/self/ns/$n; done";
        let mut second = Trial::shell(&image, script);
        chown(second.upper(), Some(FIRST), Some(FIRST)).unwrap();
        second.linux(|linux| {
            let mut namespaces = linux.namespaces().clone().unwrap();
            for (kind, file) in [
                (LinuxNamespaceType::User, "user"),
                (LinuxNamespaceType::Network, "net"),
                (LinuxNamespaceType::Pid, "pid"),
            ] {
                namespaces.retain(|namespace| namespace.typ() != kind);
                let path = format!("/proc/{}/ns/{file}", running.pid);
                let builder = LinuxNamespaceBuilder::default().typ(kind).path(path);
                namespaces.push(builder.build().unwrap());
            }
            linux.set_namespaces(Some(namespaces)).set_sysctl(None);
        });
        let outcome = second.run();
        let link = |kind: &str| {
            let link = std::fs::read_link(format!("/proc/{}/ns/{kind}", running.pid)).unwrap();
            link.display().to_string()
        };
        let expected = format!("0\n{}\n{}\n{}\n", link("user"), link("net"), link("pid"));
        assert_eq!((outcome.stdout, outcome.stderr.as_str()), (expected, ""));
        running.cgroup.kill_all().unwrap();
        reap(running.pidfd.as_fd());
        running.cgroup.delete().unwrap();
    });
}

#[test]
fn maps_without_a_namespace_or_a_root_are_refused() {
    let Some(image) = alpine("user_namespaces::maps_without") else {
        return;
    };
    apart("maps_without", || {
        let mut trial = Trial::shell(&image, "true");
        trial.linux(|linux| {
            linux.set_uid_mappings(Some(range()));
        });
        assert_eq!(
            trial.failure().1,
            "linux.uidMappings: it needs a user namespace"
        );
        let mut trial = mapped(&image, "true");
        trial.linux(|linux| {
            linux.set_gid_mappings(None);
        });
        assert_eq!(trial.failure().1, "linux.gidMappings is missing");
    });
}
