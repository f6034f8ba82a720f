//! Images that try to reach outside.

use std::os::unix::fs::symlink;

use rbox_runtime::spec::defaults;

use crate::support::{Trial, alpine, apart};

#[test]
fn mount_points_behind_absolute_symlinks_stay_inside() {
    let Some(image) = alpine("hostile::mount_points_behind_absolute_symlinks") else {
        return;
    };
    apart("mount_points_behind_absolute_symlinks", || {
        let outside = tempfile::tempdir().unwrap();
        let mut trial = Trial::shell(&image, "cat /a/f /b; ls /up");
        let layer = trial.layer();
        let extra = trial.extra();
        std::fs::write(extra.join("f"), "bound\n").unwrap();
        symlink(outside.path(), layer.join("a")).unwrap();
        symlink(outside.path().join("file"), layer.join("b")).unwrap();
        symlink("../../../../../../../media", layer.join("up")).unwrap();
        trial
            .bind(&extra, "/a", &[])
            .bind(&extra.join("f"), "/b", &[]);
        trial.mount(defaults::mount("/up", "tmpfs", "tmpfs", &[]));
        assert_eq!(trial.output(), "bound\nbound\n");
        let left: Vec<_> = std::fs::read_dir(outside.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
        // Made inside instead.
        let inside = trial
            .upper()
            .join(outside.path().strip_prefix("/").unwrap());
        assert!(inside.is_dir());
        // The second link leads through what the first bind put there.
        assert!(extra.join("file").exists());
    });
}

#[test]
fn proc_and_sys_are_not_mounted_through_symlinks() {
    let Some(image) = alpine("hostile::proc_and_sys") else {
        return;
    };
    apart("proc_and_sys", || {
        for (name, kind) in [("proc", "proc"), ("sys", "sysfs")] {
            let mut trial = Trial::new(&image, &["true"]);
            let layer = trial.layer();
            symlink("/tmp", layer.join(name)).unwrap();
            let text = trial.failure().1;
            let wanted = format!("filesystem {kind:?} must be mounted on an ordinary directory");
            assert!(text.ends_with(&wanted), "{text}");
        }
    });
}

#[test]
fn dev_behind_a_symlink_is_inside_and_complete() {
    let Some(image) = alpine("hostile::dev_behind_a_symlink") else {
        return;
    };
    apart("dev_behind_a_symlink", || {
        let outside = tempfile::tempdir().unwrap();
        let mut trial = Trial::shell(&image, "ls /dev/null /dev/pts/ptmx");
        let layer = trial.layer();
        symlink(outside.path(), layer.join("dev")).unwrap();
        assert_eq!(trial.output(), "/dev/null\n/dev/pts/ptmx\n");
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    });
}

#[test]
fn a_false_null_device_does_not_mask() {
    let Some(image) = alpine("hostile::a_false_null_device") else {
        return;
    };
    apart("a_false_null_device", || {
        let mut trial = Trial::new(&image, &["true"]);
        let extra = trial.extra();
        std::fs::write(extra.join("null"), "not masked").unwrap();
        let mut mounts = defaults::mounts(false);
        mounts.retain(|mount| mount.destination().as_os_str() == "/proc");
        trial.spec.set_mounts(Some(mounts));
        trial.bind(&extra, "/dev", &[]);
        assert_eq!(
            trial.failure().1,
            "error during container init: verifying /dev/null: no such device"
        );
    });
}

#[test]
fn a_descriptor_of_the_host_is_no_working_directory() {
    let Some(image) = alpine("hostile::a_descriptor_of_the_host") else {
        return;
    };
    apart("a_descriptor_of_the_host", || {
        for number in 0..20 {
            let mut trial = Trial::shell(&image, "ls ../../../../../../work 2>&1");
            trial.process(|process| {
                process.set_cwd(format!("/proc/self/fd/{number}").into());
            });
            let text = trial.failure().1;
            assert!(
                text.contains("mkdir /proc/self/fd") || text.contains("chdir to cwd"),
                "{number}: {text}"
            );
        }
    });
}

#[test]
fn a_symlink_to_a_descriptor_is_no_working_directory_either() {
    let Some(image) = alpine("hostile::a_symlink_to_a_descriptor") else {
        return;
    };
    apart("a_symlink_to_a_descriptor", || {
        for number in 3..12 {
            let mut trial = Trial::shell(&image, "ls -d ../../../../../../work 2>&1");
            let layer = trial.layer();
            symlink(format!("/proc/self/fd/{number}"), layer.join("way")).unwrap();
            trial.process(|process| {
                process.set_cwd("/way".into());
            });
            let text = trial.failure().1;
            assert!(text.contains("/way"), "{number}: {text}");
        }
    });
}

#[test]
fn a_program_given_as_a_descriptor_is_not_found() {
    let Some(image) = alpine("hostile::a_program_given_as_a_descriptor") else {
        return;
    };
    apart("a_program_given_as_a_descriptor", || {
        for number in 3..30 {
            let path = format!("/proc/self/fd/{number}");
            let (_, text) = Trial::new(&image, &[&path]).failure();
            // Number 3 is the socket to the parent, which is no program.
            assert!(text.starts_with("exec") && text.contains(&path), "{text}");
        }
    });
}
