//! Something in front of the proc that settings are written to: CVE-2025-52881.

use std::fs;
use std::path::Path;

use rustix::mount::{UnmountFlags, mount_bind, unmount};

use rbox_runtime::spec::defaults;

use crate::support::{Trial, alpine, apart};

/// A container with these settings, which prints files below /proc/sys.
fn with_settings(image: &Path, settings: &[(&str, &str)], files: &str) -> Trial {
    let mut trial = Trial::shell(image, &format!("cd /proc/sys && cat {files}"));
    trial.linux(|linux| {
        let own = settings
            .iter()
            .map(|&(key, value)| (key.to_owned(), value.to_owned()));
        linux.set_sysctl(Some(own.collect()));
    });
    trial
}

/// The same where the container's proc cannot be written, so that the host's is.
fn with_settings_through_the_hosts(image: &Path, key: (&str, &str), files: &str) -> Trial {
    let mut trial = with_settings(image, &[key], files);
    for mount in trial.spec.mounts_mut().iter_mut().flatten() {
        if mount.destination() == Path::new("/proc") {
            mount.set_options(Some(vec!["ro".to_owned()]));
        }
    }
    trial
}

#[test]
fn a_setting_does_not_land_in_what_is_mounted_over_it() {
    let Some(image) = alpine("attacks_procfs::a_setting_does_not_land") else {
        return;
    };
    apart("a_setting_does_not_land", || {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let before = fs::read_to_string("/proc/sys/kernel/msgmnb").unwrap();
        // A file that keeps it to itself; another setting.
        let fakes = [
            (file.as_path(), "/proc/sys/kernel/msgmax"),
            (
                Path::new("/proc/sys/kernel/msgmnb"),
                "/proc/sys/kernel/msgmax",
            ),
            (directory.path(), "/proc/sys/kernel"),
        ];
        for (fake, place) in fakes {
            mount_bind(fake, place).unwrap();
            let key = ("kernel.msgmax", "9999");
            let trial = with_settings(&image, &[key], "kernel/msgmax");
            assert_eq!(trial.output(), "9999\n", "{fake:?} on {place}");
            let trial = with_settings_through_the_hosts(&image, key, "kernel/msgmax");
            assert_eq!(trial.output(), "9999\n", "{fake:?} on {place}");
            unmount(place, UnmountFlags::empty()).unwrap();
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), "");
        assert_eq!(
            fs::read_to_string("/proc/sys/kernel/msgmnb").unwrap(),
            before
        );
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    });
}

#[test]
fn links_in_proc_are_not_followed_by_settings() {
    let Some(image) = alpine("attacks_procfs::links_in_proc") else {
        return;
    };
    apart("links_in_proc", || {
        let directory = tempfile::tempdir().unwrap();
        let kernel = directory.path().join("kernel");
        fs::create_dir(&kernel).unwrap();
        let ours = directory.path().join("ours");
        fs::write(&ours, "").unwrap();
        std::os::unix::fs::symlink(&ours, kernel.join("msgmax")).unwrap();
        mount_bind(directory.path(), "/proc/sys").unwrap();
        let key = ("kernel.msgmax", "9999");
        let trial = with_settings(&image, &[key], "kernel/msgmax");
        assert_eq!(trial.output(), "9999\n");
        let trial = with_settings_through_the_hosts(&image, key, "kernel/msgmax");
        assert_eq!(trial.output(), "9999\n");
        unmount("/proc/sys", UnmountFlags::empty()).unwrap();
        assert_eq!(fs::read_to_string(&ours).unwrap(), "");
    });
}

/// The container's proc may be anything that its configuration makes of it.
#[test]
fn a_setting_does_not_depend_on_the_containers_proc() {
    let Some(image) = alpine("attacks_procfs::a_setting_does_not_depend") else {
        return;
    };
    apart("a_setting_does_not_depend", || {
        let limit = |change: &dyn Fn(&mut Trial)| {
            let mut trial = Trial::new(&image, &["ipcs", "-q", "-l"]);
            trial.linux(|linux| {
                linux
                    .set_sysctl(Some([("kernel.msgmax".into(), "9999".into())].into()))
                    .set_masked_paths(None)
                    .set_readonly_paths(None);
            });
            change(&mut trial);
            trial.output()
        };
        let without = |trial: &mut Trial| {
            let mounts = trial.spec.mounts_mut().as_mut().unwrap();
            mounts.retain(|mount| mount.destination() != Path::new("/proc"));
        };
        let pids_alone = |trial: &mut Trial| {
            without(trial);
            trial.mount(defaults::mount("/proc", "proc", "proc", &["subset=pid"]));
        };
        let covered = |trial: &mut Trial| {
            trial.mount(defaults::mount("/proc/sys", "tmpfs", "tmpfs", &[]));
        };
        let partly_covered = |trial: &mut Trial| {
            trial.mount(defaults::mount("/proc/sys/kernel", "tmpfs", "tmpfs", &[]));
        };
        let expected = "max size of message (bytes) = 9999";
        for (case, change) in [
            ("as it is", &(|_: &mut Trial| {}) as &dyn Fn(&mut Trial)),
            ("none", &without),
            ("without sys", &pids_alone),
            ("covered", &covered),
            ("partly covered", &partly_covered),
        ] {
            let shown = limit(change);
            assert!(shown.contains(expected), "{case}: {shown}");
        }
    });
}

/// A setting's name is a path below /proc/sys, and nothing above it.
#[test]
fn the_name_of_a_setting_leads_nowhere_else() {
    let Some(image) = alpine("attacks_procfs::the_name_of_a_setting") else {
        return;
    };
    apart("the_name_of_a_setting", || {
        for name in [
            "net.ipv4/../../../sysrq-trigger",
            "net...sysrq-trigger",
            "net/../kernel/core_pattern",
            "net.//kernel/core_pattern",
            "net.ipv4.\0",
            "/net/ipv4/ip_forward",
            ".net.ipv4.ip_forward",
            "kernel.core_pattern",
            "kernel/core_pattern",
            "fs.mqueue./../../../self/mem",
        ] {
            let text = with_settings(&image, &[(name, "1")], "kernel/ostype")
                .failure()
                .1;
            let refused = text.contains("sysctl") || text.contains("open /proc/sys/");
            assert!(refused, "{name}: {text}");
        }
    });
}
