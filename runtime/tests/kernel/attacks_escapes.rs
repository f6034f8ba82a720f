//! Ways out by mounts, chroot, file handles, processes and control groups.

use oci_spec::runtime::LinuxNamespaceType;

use crate::support::{alpine, apart, attacker};

#[test]
fn mounts_are_not_undone() {
    let Some(image) = alpine("attacks_escapes::mounts_are_not_undone") else {
        return;
    };
    apart("mounts_are_not_undone", || {
        attacker(&image, "undo the mounts").withstands();
    });
}

#[test]
fn mounts_are_not_undone_without_the_filter_either() {
    let Some(image) = alpine("attacks_escapes::mounts_without_the_filter") else {
        return;
    };
    apart("mounts_without_the_filter", || {
        let mut trial = attacker(&image, "undo the mounts in a user namespace");
        trial.linux(|linux| {
            linux.set_seccomp(None);
        });
        trial.withstands();
    });
}

#[test]
fn chroot_leads_to_the_containers_own_root() {
    let Some(image) = alpine("attacks_escapes::chroot_leads") else {
        return;
    };
    apart("chroot_leads", || {
        let mut trial = attacker(&image, "leave the root by chroot");
        trial.withstands();
        trial.no_pivot = true;
        trial.id += "-unpivoted";
        std::fs::remove_dir(trial.upper().join("prison")).unwrap();
        trial.withstands();
    });
}

#[test]
fn file_handles_open_nothing() {
    let Some(image) = alpine("attacks_escapes::file_handles") else {
        return;
    };
    apart("file_handles", || {
        attacker(&image, "open by handle").withstands();
        let mut trial = attacker(&image, "open by handle");
        trial.linux(|linux| {
            linux.set_seccomp(None);
        });
        trial.withstands();
    });
}

#[test]
fn processes_outside_are_not_reached() {
    let Some(image) = alpine("attacks_escapes::processes_outside") else {
        return;
    };
    apart("processes_outside", || {
        attacker(&image, "reach processes outside").withstands();
    });
}

#[test]
fn namespaces_of_the_host_are_shut_when_its_processes_are_seen() {
    let Some(image) = alpine("attacks_escapes::namespaces_of_the_host") else {
        return;
    };
    apart("namespaces_of_the_host", || {
        let mut trial = attacker(&image, "enter namespaces of the host");
        trial.linux(|linux| {
            let mut namespaces = linux.namespaces().clone().unwrap();
            namespaces.retain(|namespace| namespace.typ() != LinuxNamespaceType::Pid);
            linux.set_namespaces(Some(namespaces));
        });
        trial.withstands();
    });
}

#[test]
fn a_release_agent_is_not_set() {
    let Some(image) = alpine("attacks_escapes::a_release_agent") else {
        return;
    };
    apart("a_release_agent", || {
        attacker(&image, "become host root by release_agent").withstands();
        let mut trial = attacker(&image, "become host root by release_agent");
        trial.linux(|linux| {
            linux.set_seccomp(None);
        });
        trial.withstands();
    });
}

#[test]
fn the_cgroup_is_not_left() {
    let Some(image) = alpine("attacks_escapes::the_cgroup_is_not_left") else {
        return;
    };
    apart("the_cgroup_is_not_left", || {
        attacker(&image, "leave the cgroup").withstands();
    });
}

/// That the attacks are some: without protection they succeed.
#[test]
fn the_same_attacks_succeed_where_nothing_stops_them() {
    let Some(image) = alpine("attacks_escapes::the_same_attacks_succeed") else {
        return;
    };
    apart("the_same_attacks_succeed", || {
        for attack in ["undo the mounts", "use keyrings"] {
            attacker(&image, attack).succumbs();
        }
    });
}
