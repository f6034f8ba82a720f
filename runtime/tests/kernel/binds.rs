//! Files and directories of the host inside containers.

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::support::{Trial, alpine, apart};

#[test]
fn directories_and_files_appear_at_places_that_did_not_exist() {
    let Some(image) = alpine("binds::directories_and_files_appear") else {
        return;
    };
    apart("directories_and_files_appear", || {
        let mut trial = Trial::shell(
            &image,
            "cat /deep/in/dir/f /some/file; echo b > /deep/in/dir/g",
        );
        let extra = trial.extra();
        std::fs::write(extra.join("f"), "content\n").unwrap();
        trial
            .bind(&extra, "/deep/in/dir", &[])
            .bind(&extra.join("f"), "/some/file", &[]);
        assert_eq!(trial.output(), "content\ncontent\n");
        assert_eq!(std::fs::read_to_string(extra.join("g")).unwrap(), "b\n");
    });
}

#[test]
fn a_read_only_bind_cannot_be_written() {
    let Some(image) = alpine("binds::a_read_only_bind") else {
        return;
    };
    apart("a_read_only_bind", || {
        let mut trial = Trial::shell(&image, "touch /d/x; echo x > /f");
        let extra = trial.extra();
        std::fs::write(extra.join("f"), "").unwrap();
        trial
            .bind(&extra, "/d", &["ro"])
            .bind(&extra.join("f"), "/f", &["ro", "rprivate"]);
        let outcome = trial.run();
        assert_eq!(
            outcome.stderr,
            "touch: /d/x: Read-only file system\n\
             /bin/sh: can't create /f: Read-only file system\n"
        );
    });
}

#[test]
fn ro_spares_the_mounts_below_and_rro_does_not() {
    let Some(image) = alpine("binds::ro_spares_the_mounts_below") else {
        return;
    };
    apart("ro_spares_the_mounts_below", || {
        let mut trial = Trial::shell(&image, "touch /a/sub/x && echo a; touch /b/sub/x && echo b");
        let extra = trial.extra();
        std::fs::create_dir(extra.join("sub")).unwrap();
        mount(
            "tmpfs",
            extra.join("sub"),
            "tmpfs",
            MountFlags::empty(),
            None,
        )
        .unwrap();
        trial
            .bind(&extra, "/a", &["ro"])
            .bind(&extra, "/b", &["rro"]);
        let outcome = trial.run();
        assert_eq!(outcome.stdout, "a\n");
        assert_eq!(outcome.stderr, "touch: /b/sub/x: Read-only file system\n");
        unmount(extra.join("sub"), UnmountFlags::DETACH).unwrap();
    });
}

#[test]
fn a_shared_bind_shows_later_mounts_of_the_host_and_a_private_one_does_not() {
    let Some(image) = alpine("binds::a_shared_bind") else {
        return;
    };
    apart("a_shared_bind", || {
        use rustix::mount::{MountPropagationFlags, mount_bind, mount_change};
        let mut trial = Trial::shell(&image, "read x < /gate; ls /slave/sub /private/sub");
        let extra = trial.extra();
        std::fs::create_dir(extra.join("sub")).unwrap();
        mount_bind(&extra, &extra).unwrap();
        mount_change(&extra, MountPropagationFlags::SHARED).unwrap();
        let gate = trial.directory.path().join("gate");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &gate,
            rustix::fs::FileType::Fifo,
            0o600.into(),
            0,
        )
        .unwrap();
        trial
            .bind(&extra, "/slave", &["rslave"])
            .bind(&extra, "/private", &["rprivate"]);
        trial.bind(&gate, "/gate", &[]);
        let (running, out, err) = trial.start();
        mount(
            "tmpfs",
            extra.join("sub"),
            "tmpfs",
            MountFlags::empty(),
            None,
        )
        .unwrap();
        std::fs::write(extra.join("sub/later"), "").unwrap();
        std::fs::write(&gate, "go\n").unwrap();
        let (out, err) = (crate::support::read_all(out), crate::support::read_all(err));
        assert_eq!(out, "/private/sub:\n\n/slave/sub:\nlater\n", "{err}");
        crate::support::reap(std::os::fd::AsFd::as_fd(&running.pidfd));
        running.cgroup.delete().unwrap();
        unmount(extra.join("sub"), UnmountFlags::DETACH).unwrap();
        unmount(&extra, UnmountFlags::DETACH).unwrap();
    });
}

#[test]
fn a_missing_source_and_a_mismatch_are_named() {
    let Some(image) = alpine("binds::a_missing_source") else {
        return;
    };
    apart("a_missing_source", || {
        let mut trial = Trial::new(&image, &["true"]);
        trial.bind("/no/such".as_ref(), "/x", &[]);
        assert_eq!(
            trial.failure().1,
            "error mounting \"/no/such\" to rootfs at \"/x\": stat /no/such: no such file or directory"
        );
        let mut trial = Trial::new(&image, &["true"]);
        let extra = trial.extra();
        trial.bind(&extra, "/etc/passwd", &[]);
        let text = trial.failure().1;
        assert!(
            text.contains("to rootfs at \"/etc/passwd\": not a directory: Are you"),
            "{text}"
        );
    });
}
