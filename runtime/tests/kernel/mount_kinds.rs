//! Mounts that are no new filesystem: remounts, binds, the container's cgroups;
//! and options that have no meaning for them.

use std::fs;
use std::path::Path;

use oci_spec::runtime::LinuxNamespaceType;
use rbox_runtime::spec::defaults;
use rustix::mount::MountFlags;

use super::mount_words::{SHOWN, mount_tmpfs, numberless, tmpfs};
use crate::support::{Trial, alpine, apart};

#[test]
fn a_remount_changes_what_is_there() {
    let Some(image) = alpine("mount_kinds::a_remount_changes") else {
        return;
    };
    apart("a_remount_changes", || {
        let remount = |options: &[&str]| defaults::mount("/data", "none", "none", options);
        let mut trial = Trial::shell(&image, SHOWN);
        trial.mount(tmpfs(&["nosuid", "size=64k"]));
        trial.mount(remount(&["remount", "nodev", "size=128k"]));
        assert_eq!(
            numberless(&trial.output()),
            "/data rw,nodev,relatime - rw,size=128k\n"
        );
        // With bind only what is named, and only of the mount.
        let mut trial = Trial::shell(&image, SHOWN);
        let host = trial.extra();
        mount_tmpfs(&host, MountFlags::NOSUID);
        mount_tmpfs(&host.join("below"), MountFlags::empty());
        trial.bind(&host, "/data", &[]);
        trial.mount(remount(&["remount", "bind", "ro", "rnodev"]));
        assert_eq!(
            numberless(&trial.output()),
            "/data ro,nosuid,nodev,relatime - rw\n/data/below rw,nodev,relatime - rw\n"
        );
        fs::write(host.join("ours"), "").unwrap();
        // What is no mount's top.
        let mut trial = Trial::new(&image, &["true"]);
        trial.mount(defaults::mount(
            "/etc",
            "none",
            "none",
            &["remount", "bind", "ro"],
        ));
        assert_eq!(
            trial.failure().1,
            "error during container init: error mounting \"remount\" to rootfs at \"/etc\": \
             invalid argument"
        );
    });
}

/// The refusal of a last mount with these options.
fn refusal(image: &Path, kind: &str, source: &str, options: &[&str]) -> String {
    let mut trial = Trial::new(image, &["true"]);
    trial.mount(defaults::mount("/data", kind, source, options));
    let text = trial.failure().1;
    let count = trial.spec.mounts().as_ref().unwrap().len() - 1;
    let start = format!("mounts[{count}] at /data: mount option ");
    text.strip_prefix(&start).unwrap_or(&text).to_owned()
}

#[test]
fn words_without_a_meaning_are_refused_by_name() {
    let Some(image) = alpine("mount_kinds::words_without_a_meaning") else {
        return;
    };
    apart("words_without_a_meaning", || {
        let bind = |options: &[&str]| refusal(&image, "bind", "/", options);
        assert_eq!(bind(&["rbind", "sync"]), "sync has no meaning for a bind");
        assert_eq!(
            bind(&["bind", "size=64k"]),
            "size=64k has no meaning for a bind"
        );
        assert_eq!(
            bind(&["bind", "tmpcopyup"]),
            "tmpcopyup has no meaning for a bind"
        );
        assert_eq!(
            refusal(&image, "cgroup", "cgroup", &["ro", "memory"]),
            "memory has no meaning for the container's cgroups"
        );
        assert_eq!(
            refusal(&image, "tmpfs", "tmpfs", &["mand"]),
            "mand needs mandatory locks, which Linux 5.15 gave up"
        );
        assert_eq!(
            refusal(&image, "none", "none", &["remount", "ro"]),
            "remount would change a filesystem of the host; with bind it changes the mount"
        );
        assert_eq!(
            refusal(&image, "bind", "", &["bind"]),
            format!(
                "mounts[{}].source: a bind needs one",
                defaults::mounts(false).len()
            )
        );
    });
}

#[test]
fn binds_have_a_dummy_type_and_a_source_of_the_bundle() {
    let Some(image) = alpine("mount_kinds::binds_have_a_dummy_type") else {
        return;
    };
    apart("binds_have_a_dummy_type", || {
        let script = "cat /data/file; head -c 2 /zero | wc -c; stat -c %t,%T /zero";
        let mut trial = Trial::shell(&image, script);
        fs::write(trial.extra().join("file"), "of the bundle\n").unwrap();
        // Both paths are relative: to the bundle, and to the root.
        trial.mount(defaults::mount("data", "none", "extra", &["bind"]));
        trial.mount(defaults::mount("/zero", "none", "/dev/zero", &["bind"]));
        assert_eq!(trial.output(), "of the bundle\n2\n1,5\n");
    });
}

#[test]
fn cgroups_are_shown_with_and_without_a_namespace_of_their_own() {
    let Some(image) = alpine("mount_kinds::cgroups_are_shown") else {
        return;
    };
    apart("cgroups_are_shown", || {
        let version_1 = Path::new("/sys/fs/cgroup/pids/tasks").exists();
        for (namespace, writable) in [(true, true), (false, false), (false, true)] {
            let mut trial = Trial::new(&image, &["true"]);
            // Version 2 shows the whole tree where there is no namespace.
            let own = match (version_1, namespace) {
                (true, _) => "/sys/fs/cgroup/pids".to_owned(),
                (false, true) => "/sys/fs/cgroup".to_owned(),
                (false, false) => format!("/sys/fs/cgroup/{}", trial.id),
            };
            let script = format!(
                "grep -x $$ {own}/cgroup.procs; mkdir {own}/x 2>/dev/null && rmdir {own}/x && echo made"
            );
            let script = if namespace {
                script
            } else {
                // The host's pids are not ours: any process of the group will do.
                format!("{script}; cut -d: -f3 /proc/self/cgroup | sort -u")
            };
            trial.args(&["/bin/sh", "-c", &script]);
            if !namespace {
                trial.linux(|linux| {
                    let mut all = linux.namespaces().clone().unwrap();
                    all.retain(|one| one.typ() != LinuxNamespaceType::Cgroup);
                    linux.set_namespaces(Some(all));
                });
            }
            if writable {
                let mounts = trial.spec.mounts_mut().as_mut().unwrap();
                let cgroup = mounts
                    .iter_mut()
                    .find(|one| one.typ().as_deref() == Some("cgroup"));
                cgroup
                    .unwrap()
                    .set_options(Some(vec!["rw".to_owned(), "rprivate".to_owned()]));
            }
            let output = trial.run().stdout;
            assert!(output.starts_with("1\n"), "{namespace}: {output}");
            assert_eq!(output.contains("made"), writable, "{namespace}: {output}");
            if !namespace {
                let path = format!("/{}", trial.id);
                assert!(output.lines().any(|line| line.ends_with(&path)), "{output}");
            }
        }
    });
}
