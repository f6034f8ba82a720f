//! Something else in place of /proc, or of a part of it.

use std::os::unix::fs::symlink;
use std::path::Path;

use rbox_runtime::spec::defaults;

use crate::support::{Trial, alpine, apart};

/// A container that prints `here` when it runs.
fn echo(image: &Path) -> Trial {
    Trial::new(image, &["echo", "here"])
}

#[test]
fn proc_is_nothing_but_proc() {
    let Some(image) = alpine("attacks_proc_mounts::proc_is_nothing") else {
        return;
    };
    apart("proc_is_nothing", || {
        let refused = "\"/proc\" cannot be mounted because it is not of type proc";
        let mut trial = echo(&image);
        let extra = trial.extra();
        std::fs::create_dir(extra.join("self")).unwrap();
        let text = trial.bind(&extra, "/proc", &[]).failure().1;
        assert!(text.ends_with(refused), "{text}");
        let text = echo(&image)
            .bind(Path::new("/proc/sys"), "/proc", &[])
            .failure()
            .1;
        assert!(text.ends_with(refused), "{text}");
        for (kind, place) in [
            ("tmpfs", "/proc"),
            ("tmpfs", "/proc/."),
            ("ramfs", "//proc/"),
        ] {
            let mount = defaults::mount(place, kind, kind, &[]);
            let text = echo(&image).mount(mount).failure().1;
            assert!(text.contains("it is not of type proc"), "{text}");
        }
        // Before the real one is mounted, too.
        let mut trial = echo(&image);
        let mut mounts = vec![defaults::mount("/proc", "tmpfs", "tmpfs", &[])];
        mounts.extend(defaults::mounts(false));
        trial.spec.set_mounts(Some(mounts));
        let text = trial.failure().1;
        assert!(text.ends_with(refused), "{text}");
        assert_eq!(
            echo(&image).bind(Path::new("/proc"), "/proc", &[]).output(),
            "here\n"
        );
    });
}

#[test]
fn only_lxcfss_files_are_mounted_inside_proc() {
    let Some(image) = alpine("attacks_proc_mounts::only_lxcfss_files") else {
        return;
    };
    apart("only_lxcfss_files", || {
        let mut trial = echo(&image);
        let extra = trial.extra();
        let file = extra.join("file");
        std::fs::write(&file, "ours\n").unwrap();
        symlink("/proc/self/attr", trial.layer().join("way")).unwrap();
        for place in [
            "/proc/version",
            "/proc/self/attr/exec",
            "/proc/self/status",
            "/proc/1/cgroup",
            "/proc/sys/kernel/core_pattern",
            "/proc/net/dev",
            "/way/exec",
        ] {
            let mut trial = echo(&image);
            symlink("/proc/self/attr", trial.layer().join("way")).unwrap();
            let text = trial.bind(&file, place, &[]).failure().1;
            assert!(
                text.ends_with("cannot be mounted because it is inside /proc"),
                "{text}"
            );
        }
        for (kind, place) in [("ramfs", "/proc/tty"), ("sysfs", "/proc/tty")] {
            let text = echo(&image)
                .mount(defaults::mount(place, kind, kind, &[]))
                .failure()
                .1;
            assert!(
                text.ends_with("cannot be mounted because it is inside /proc"),
                "{text}"
            );
        }
        for name in [
            "cpuinfo",
            "diskstats",
            "meminfo",
            "stat",
            "swaps",
            "uptime",
            "loadavg",
        ] {
            let place = format!("/proc/{name}");
            let mut trial = Trial::new(&image, &["cat", &place]);
            assert_eq!(trial.bind(&file, &place, &[]).output(), "ours\n", "{name}");
        }
        // What is empty lies about nothing.
        let mut trial = Trial::shell(&image, "ls /proc/tty; echo here");
        trial.mount(defaults::mount("/proc/tty", "tmpfs", "tmpfs", &[]));
        assert_eq!(trial.output(), "here\n");
    });
}

#[test]
fn the_hosts_proc_elsewhere_is_the_users_choice() {
    let Some(image) = alpine("attacks_proc_mounts::the_hosts_proc_elsewhere") else {
        return;
    };
    apart("the_hosts_proc_elsewhere", || {
        let mut trial = Trial::shell(&image, "test -d /host/proc/self/ && cat /host/proc/version");
        let file = trial.extra().join("version");
        std::fs::write(&file, "ours\n").unwrap();
        trial.bind(Path::new("/proc"), "/host/proc", &["ro"]);
        trial.bind(&file, "/host/proc/version", &[]);
        trial.args(&["cat", "/host/proc/version"]);
        assert_eq!(trial.output(), "ours\n");
    });
}

#[test]
fn an_image_whose_proc_leads_elsewhere_is_refused() {
    let Some(image) = alpine("attacks_proc_mounts::an_image_whose_proc") else {
        return;
    };
    apart("an_image_whose_proc", || {
        let ways: [(&str, &str); 6] = [
            ("proc", "/tmp"),
            ("proc", "volume"),
            ("proc", "../../../../../../tmp"),
            ("proc", "/proc"),
            ("sys", "/volume"),
            ("sys", "proc"),
        ];
        for (name, target) in ways {
            let mut trial = echo(&image);
            symlink(target, trial.layer().join(name)).unwrap();
            let extra = trial.extra();
            std::fs::create_dir_all(extra.join("self/attr")).unwrap();
            trial.bind(&extra, "/volume", &[]);
            let text = trial.failure().1;
            let refused = text.contains("must be mounted on an ordinary directory");
            assert!(refused, "{name} -> {target}: {text}");
            assert!(!extra.join("version").exists());
        }
        let mut trial = echo(&image);
        std::fs::write(trial.layer().join("proc"), "a file").unwrap();
        let text = trial.failure().1;
        assert!(
            text.contains("must be mounted on an ordinary directory"),
            "{text}"
        );
    });
}
