//! Every option word of a mount, by what the kernel then shows or refuses.

use std::fs;
use std::path::Path;

use oci_spec::runtime::Mount;
use rbox_runtime::spec::defaults;
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};

use crate::support::{Trial, alpine, apart};

/// Options of the mounts at and below /data in the container: those of the
/// mount, the optional fields, those of the filesystem.
pub const SHOWN: &str = "awk '$5 ~ /^\\/data/ { f = \"\"; \
    for (i = 7; $i != \"-\"; i++) f = f $i \" \"; print $5, $6, f \"-\", $(i + 3) }' \
    /proc/self/mountinfo";

pub fn tmpfs(options: &[&str]) -> Mount {
    defaults::mount("/data", "tmpfs", "tmpfs", options)
}

/// What [`SHOWN`] prints for a container with that one mount.
fn shown(image: &Path, mount: Mount) -> String {
    let mut trial = Trial::shell(image, SHOWN);
    trial.mount(mount);
    numberless(&trial.output())
}

/// Some kernels add to a tmpfs how they number inodes.
pub fn numberless(shown: &str) -> String {
    shown.replace(",inode64", "")
}

/// Mounts a tmpfs on `path`, in this test's own namespace.
pub fn mount_tmpfs(path: &Path, flags: MountFlags) {
    fs::create_dir_all(path).unwrap();
    mount("tmpfs", path, "tmpfs", flags, None).unwrap();
}

#[test]
fn attributes_of_a_filesystems_mount() {
    let Some(image) = alpine("mount_words::attributes_of_a_filesystems_mount") else {
        return;
    };
    apart("attributes_of_a_filesystems_mount", || {
        for (words, expected) in [
            (&["defaults"][..], "rw,relatime"),
            (&["ro"], "ro,relatime"),
            (&["ro", "rw"], "rw,relatime"),
            (
                &["nosuid", "nodev", "noexec"],
                "rw,nosuid,nodev,noexec,relatime",
            ),
            (
                &["nosuid", "suid", "nodev", "dev", "noexec", "exec"],
                "rw,relatime",
            ),
            (&["noatime"], "rw,noatime"),
            (&["noatime", "atime"], "rw,relatime"),
            (&["strictatime"], "rw"),
            (&["strictatime", "nostrictatime"], "rw,relatime"),
            (&["noatime", "relatime"], "rw,relatime"),
            (&["noatime", "norelatime"], "rw,relatime"),
            (&["nodiratime"], "rw,nodiratime,relatime"),
            (&["nodiratime", "diratime"], "rw,relatime"),
            (&["nosymfollow"], "rw,relatime,nosymfollow"),
            (&["nosymfollow", "symfollow"], "rw,relatime"),
            // Nothing is below a new mount: the recursive words are the others,
            // and come after them.
            (
                &["rro", "rnosuid", "rnodev", "rnoexec"],
                "ro,nosuid,nodev,noexec,relatime",
            ),
            (&["rrw", "ro"], "rw,relatime"),
            (&["rnoatime", "rnodiratime"], "rw,noatime,nodiratime"),
        ] {
            let output = shown(&image, tmpfs(words));
            let options = output.split(' ').nth(1).unwrap();
            assert_eq!(options, expected, "{words:?}");
        }
    });
}

#[test]
fn flags_of_a_filesystem() {
    let Some(image) = alpine("mount_words::flags_of_a_filesystem") else {
        return;
    };
    apart("flags_of_a_filesystem", || {
        for (words, expected) in [
            (
                &["sync", "dirsync", "lazytime"][..],
                "rw,sync,dirsync,lazytime",
            ),
            (&["sync", "async", "lazytime", "nolazytime"], "rw"),
            (&["iversion", "silent"], "rw"),
            (
                &["iversion", "noiversion", "silent", "loud", "nomand"],
                "rw",
            ),
            (&["size=64k", "nr_inodes=100"], "rw,size=64k,nr_inodes=100"),
            (
                &["tmpcopyup", "sync", "dirsync", "lazytime"],
                "rw,sync,dirsync,lazytime",
            ),
        ] {
            let output = shown(&image, tmpfs(words));
            let options = output.trim().rsplit(' ').next().unwrap();
            assert_eq!(options, expected, "{words:?}");
        }
    });
}

#[test]
fn recursive_attributes_reach_the_mounts_below() {
    let Some(image) = alpine("mount_words::recursive_attributes_reach") else {
        return;
    };
    apart("recursive_attributes_reach", || {
        for (words, expected) in [
            (&["rro"][..], "ro,relatime"),
            (&["rnosuid"], "rw,nosuid,relatime"),
            (&["rnodev"], "rw,nodev,relatime"),
            (&["rnoexec"], "rw,noexec,relatime"),
            (&["rnoatime"], "rw,noatime"),
            (&["rstrictatime"], "rw"),
            (&["rnoatime", "rrelatime"], "rw,relatime"),
            (&["rnodiratime"], "rw,nodiratime,relatime"),
            (&["rnosymfollow"], "rw,relatime,nosymfollow"),
        ] {
            let mut trial = Trial::shell(&image, SHOWN);
            let host = trial.extra();
            mount_tmpfs(&host, MountFlags::empty());
            mount_tmpfs(&host.join("below"), MountFlags::empty());
            trial.bind(&host, "/data", words);
            let output = trial.output();
            let lines: Vec<_> = output.lines().collect();
            assert_eq!(lines.len(), 2, "{output}");
            for line in lines {
                assert_eq!(line.split(' ').nth(1), Some(expected), "{words:?}");
            }
        }
    });
}

#[test]
fn recursive_words_take_attributes_away_below() {
    let Some(image) = alpine("mount_words::recursive_words_take") else {
        return;
    };
    apart("recursive_words_take", || {
        let flags = MountFlags::RDONLY
            | MountFlags::NOSUID
            | MountFlags::NODEV
            | MountFlags::NOEXEC
            | MountFlags::NODIRATIME
            | MountFlags::NOSYMFOLLOW
            | MountFlags::NOATIME;
        let words = [
            "rrw",
            "rsuid",
            "rdev",
            "rexec",
            "ratime",
            "rdiratime",
            "rsymfollow",
        ];
        let all = "ro,nosuid,nodev,noexec,noatime,nodiratime,nosymfollow";
        for (taken, expected) in [
            (&[][..], all),
            (&["rsuid"], "ro,nodev,noexec,noatime,nodiratime,nosymfollow"),
            (
                &["rnorelatime"],
                "ro,nosuid,nodev,noexec,nodiratime,relatime,nosymfollow",
            ),
            (
                &["rnostrictatime"],
                "ro,nosuid,nodev,noexec,nodiratime,relatime,nosymfollow",
            ),
            (&words, "rw,relatime"),
        ] {
            let mut trial = Trial::shell(&image, SHOWN);
            let host = trial.extra();
            mount_tmpfs(&host, MountFlags::empty());
            mount_tmpfs(&host.join("below"), flags);
            trial.bind(&host, "/data", taken);
            let output = trial.output();
            let below = output
                .lines()
                .find(|line| line.starts_with("/data/below "))
                .unwrap();
            assert_eq!(below.split(' ').nth(1), Some(expected), "{taken:?}");
        }
    });
}

#[test]
fn what_attributes_forbid_does_not_work() {
    let Some(image) = alpine("mount_words::what_attributes_forbid") else {
        return;
    };
    apart("what_attributes_forbid", || {
        let script = "cd /data/below; ./program 2>&1; cat link 2>&1; cat null 2>&1; touch x 2>&1; \
                      cd /free/below; ./program; cat link; cat null; touch x";
        let mut trial = Trial::shell(&image, script);
        let host = trial.extra();
        mount_tmpfs(&host.join("below"), MountFlags::empty());
        let below = host.join("below");
        fs::write(below.join("program"), "#!/bin/sh\necho ran\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(below.join("program"), mode).unwrap();
        fs::write(below.join("file"), "read\n").unwrap();
        std::os::unix::fs::symlink("file", below.join("link")).unwrap();
        let device = rustix::fs::makedev(1, 3);
        let kind = rustix::fs::FileType::CharacterDevice;
        let mode = rustix::fs::Mode::from_raw_mode(0o666);
        rustix::fs::mknodat(rustix::fs::CWD, below.join("null"), kind, mode, device).unwrap();
        trial.bind(
            &host,
            "/data",
            &["rnoexec", "rnosymfollow", "rnodev", "rro"],
        );
        trial.bind(&host, "/free", &[]);
        assert_eq!(
            trial.output(),
            "/bin/sh: ./program: Permission denied\n\
             cat: can't open 'link': Symbolic link loop\n\
             cat: can't open 'null': Permission denied\n\
             touch: x: Read-only file system\n\
             ran\nread\n"
        );
    });
}

#[test]
fn propagation_words_are_what_the_kernel_shows() {
    let Some(image) = alpine("mount_words::propagation_words") else {
        return;
    };
    apart("propagation_words", || {
        for (word, kind) in [
            ("private", "-"),
            ("rprivate", "-"),
            ("slave", "master"),
            ("rslave", "master"),
            ("shared", "shared"),
            ("rshared", "shared"),
            ("unbindable", "unbindable"),
            ("runbindable", "unbindable"),
        ] {
            let mut trial = Trial::shell(&image, SHOWN);
            let host = trial.extra();
            mount_tmpfs(&host, MountFlags::empty());
            mount_change(&host, MountPropagationFlags::SHARED).unwrap();
            mount_tmpfs(&host.join("below"), MountFlags::empty());
            trial.bind(&host, "/data", &[word]);
            let output = trial.output();
            for line in output.lines() {
                let field = line.split(' ').nth(2).unwrap();
                // What is not asked for below stays as the host has it.
                let expected = if word.starts_with('r') || line.starts_with("/data ") {
                    kind
                } else {
                    "shared"
                };
                assert!(field.starts_with(expected), "{word}: {output}");
            }
            assert_eq!(output.lines().count(), 2, "{output}");
            rustix::mount::unmount(host.join("below"), rustix::mount::UnmountFlags::DETACH)
                .unwrap();
            rustix::mount::unmount(&host, rustix::mount::UnmountFlags::DETACH).unwrap();
        }
    });
}
