//! Namespaces of others, by path.

use std::os::fd::AsFd;

use oci_spec::runtime::{LinuxNamespaceBuilder, LinuxNamespaceType};
use rbox_runtime::Running;

use crate::support::{Trial, alpine, apart, reap};

fn join(trial: &mut Trial, other: &Running, kinds: &[(LinuxNamespaceType, &str)]) {
    trial.linux(|linux| {
        let mut namespaces = linux.namespaces().clone().unwrap();
        for (kind, file) in kinds {
            namespaces.retain(|namespace| namespace.typ() != *kind);
            let path = format!("/proc/{}/ns/{file}", other.pid);
            let builder = LinuxNamespaceBuilder::default().typ(*kind).path(path);
            namespaces.push(builder.build().unwrap());
        }
        linux.set_namespaces(Some(namespaces)).set_sysctl(None);
    });
}

#[test]
fn network_ipc_uts_and_pid_namespaces_can_be_another_containers() {
    let Some(image) = alpine("joined::namespaces_can_be_another_containers") else {
        return;
    };
    apart("namespaces_can_be_another_containers", || {
        let mut first = Trial::new(&image, &["sleep", "100"]);
        first.spec.set_hostname(Some("first".into()));
        let (running, out, err) = first.start();
        let script = "hostname; ps -o pid,args | grep -v ps; \
                      for n in net ipc uts pid; do readlink /proc/self/ns/$n; done; \
                      [ $$ -gt 1 ] && echo not-init";
        let mut second = Trial::shell(&image, script);
        join(
            &mut second,
            &running,
            &[
                (LinuxNamespaceType::Network, "net"),
                (LinuxNamespaceType::Ipc, "ipc"),
                (LinuxNamespaceType::Uts, "uts"),
                (LinuxNamespaceType::Pid, "pid"),
            ],
        );
        let before = std::fs::read_link("/proc/self/ns/pid_for_children").unwrap();
        let output = second.output();
        let after = std::fs::read_link("/proc/self/ns/pid_for_children").unwrap();
        assert_eq!(
            before, after,
            "our own children would land in the container"
        );
        assert!(output.starts_with("first\n"), "{output}");
        assert!(output.contains("    1 sleep 100\n"), "{output}");
        for kind in ["net", "ipc", "uts", "pid"] {
            let link = std::fs::read_link(format!("/proc/{}/ns/{kind}", running.pid)).unwrap();
            assert!(output.contains(link.to_str().unwrap()), "{kind}: {output}");
        }
        assert!(output.ends_with("not-init\n"), "{output}");
        running.cgroup.kill_all().unwrap();
        reap(running.pidfd.as_fd());
        running.cgroup.delete().unwrap();
        drop((out, err));
    });
}

#[test]
fn a_path_that_is_no_namespace_is_named() {
    let Some(image) = alpine("joined::a_path_that_is_no_namespace") else {
        return;
    };
    apart("a_path_that_is_no_namespace", || {
        let mut trial = Trial::new(&image, &["true"]);
        trial.linux(|linux| {
            let mut namespaces = linux.namespaces().clone().unwrap();
            namespaces.retain(|namespace| namespace.typ() != LinuxNamespaceType::Network);
            let builder = LinuxNamespaceBuilder::default()
                .typ(LinuxNamespaceType::Network)
                .path("/etc/passwd");
            namespaces.push(builder.build().unwrap());
            linux.set_namespaces(Some(namespaces));
        });
        assert_eq!(
            trial.failure().1,
            "open network namespace /etc/passwd: not a namespace"
        );
    });
}

#[test]
fn a_mount_namespace_that_is_joined_keeps_its_root() {
    let Some(image) = alpine("joined::a_mount_namespace_that_is_joined") else {
        return;
    };
    apart("a_mount_namespace_that_is_joined", || {
        let script = "echo here > /mark; exec sleep 100";
        let first = Trial::shell(&image, script);
        let (running, out, err) = first.start();
        let mut second = Trial::shell(
            &image,
            "for i in 1 2 3 4 5 6 7 8 9; do cat /mark 2>/dev/null && exit; sleep 1; done; exit 1",
        );
        join(&mut second, &running, &[(LinuxNamespaceType::Mount, "mnt")]);
        assert_eq!(second.output(), "here\n");
        // Its first process still has its root.
        let table = std::fs::read_to_string(format!("/proc/{}/mountinfo", running.pid)).unwrap();
        assert!(table.lines().next().unwrap().contains(" / / rw"), "{table}");
        running.cgroup.kill_all().unwrap();
        reap(running.pidfd.as_fd());
        running.cgroup.delete().unwrap();
        drop((out, err));
    });
}
