//! Namespaces of the container's own, and of the host where asked for.

use oci_spec::runtime::LinuxNamespaceType;

use crate::support::{Trial, alpine, apart};

fn own(kind: &str) -> String {
    std::fs::read_link(format!("/proc/self/ns/{kind}"))
        .unwrap()
        .to_string_lossy()
        .into_owned()
}

#[test]
fn every_namespace_is_new_and_the_program_is_process_1() {
    let Some(image) = alpine("isolation::every_namespace_is_new") else {
        return;
    };
    apart("every_namespace_is_new", || {
        let script = "echo $$; hostname; cat /proc/sys/kernel/domainname; \
                      for n in mnt pid net ipc uts cgroup; do readlink /proc/self/ns/$n; done; \
                      echo /proc/[0-9]*";
        let mut trial = Trial::shell(&image, script);
        trial
            .spec
            .set_hostname(Some("boxed".into()))
            .set_domainname(Some("example.test".into()));
        let output = trial.output();
        let lines: Vec<_> = output.lines().collect();
        assert_eq!(lines[..3], ["1", "boxed", "example.test"]);
        for (kind, line) in ["mnt", "pid", "net", "ipc", "uts", "cgroup"]
            .iter()
            .zip(&lines[3..])
        {
            assert!(line.starts_with(kind), "{line}");
            assert_ne!(*line, own(kind));
        }
        assert_eq!(lines[9], "/proc/1");
    });
}

#[test]
fn a_namespace_that_is_not_listed_is_the_callers() {
    let Some(image) = alpine("isolation::a_namespace_that_is_not_listed") else {
        return;
    };
    apart("a_namespace_that_is_not_listed", || {
        let script = "for n in pid net ipc uts; do readlink /proc/self/ns/$n; done";
        let mut trial = Trial::shell(&image, script);
        trial.linux(|linux| {
            let mut namespaces = linux.namespaces().clone().unwrap();
            namespaces.retain(|namespace| namespace.typ() == LinuxNamespaceType::Mount);
            linux.set_namespaces(Some(namespaces)).set_sysctl(None);
        });
        let output = trial.output();
        for (kind, line) in ["pid", "net", "ipc", "uts"].iter().zip(output.lines()) {
            assert_eq!(line, own(kind));
        }
    });
}

#[test]
fn nothing_of_the_hosts_mounts_is_left() {
    let Some(image) = alpine("isolation::nothing_of_the_hosts_mounts") else {
        return;
    };
    apart("nothing_of_the_hosts_mounts", || {
        let trial = Trial::shell(&image, "cut -d' ' -f 5 /proc/self/mountinfo");
        let output = trial.output();
        let roots = output.lines().filter(|line| *line == "/").count();
        assert_eq!(roots, 1, "{output}");
        let allowed = ["/", "/proc", "/dev", "/sys"];
        for line in output.lines() {
            let below = allowed[1..]
                .iter()
                .any(|top| line.starts_with(&format!("{top}/")));
            assert!(allowed.contains(&line) || below, "{line}");
        }
    });
}

#[test]
fn the_hosts_mount_table_never_shows_the_container() {
    let Some(image) = alpine("isolation::the_hosts_mount_table") else {
        return;
    };
    apart("the_hosts_mount_table", || {
        use rustix::mount::{MountPropagationFlags, mount_change};
        // As systemd has it: what a child mounts would come back to us.
        let shared = MountPropagationFlags::SHARED | MountPropagationFlags::REC;
        mount_change("/", shared).unwrap();
        let before = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        let first = Trial::new(&image, &["sleep", "100"]);
        let (running, out, err) = first.start();
        let during = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert_eq!(before, during);
        running.cgroup.kill_all().unwrap();
        crate::support::reap(std::os::fd::AsFd::as_fd(&running.pidfd));
        running.cgroup.delete().unwrap();
        drop((out, err));
        assert_eq!(
            before,
            std::fs::read_to_string("/proc/self/mountinfo").unwrap()
        );
    });
}
