//! A tmpfs that starts with what the image has there.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use rbox_runtime::spec::defaults;

use crate::support::{Trial, alpine, apart};

/// A container with such a tmpfs on /data, and its layer's /data.
fn trial(image: &Path, script: &str, options: &[&str]) -> (Trial, std::path::PathBuf) {
    let mut trial = Trial::shell(image, script);
    let data = trial.layer().join("data");
    fs::create_dir(&data).unwrap();
    let mut all = vec!["tmpcopyup", "nosuid", "nodev"];
    all.extend(options);
    trial.mount(defaults::mount("/data", "tmpfs", "tmpfs", &all));
    (trial, data)
}

fn run(program: &str, arguments: &[&str]) {
    assert!(
        Command::new(program)
            .args(arguments)
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn everything_of_the_image_is_there_with_its_owner_and_mode() {
    let Some(image) = alpine("copy_up::everything_of_the_image") else {
        return;
    };
    apart("everything_of_the_image", || {
        let script = "grep ' /data ' /proc/mounts; cd /data; stat -c '%n %A %u:%g %t,%T %h %s' . *; \
                      cat sub/file; readlink link; stat -c %Y sub";
        let (trial, data) = trial(&image, script, &["size=1m"]);
        fs::create_dir(data.join("sub")).unwrap();
        fs::write(data.join("sub/file"), "content\n").unwrap();
        fs::hard_link(data.join("sub/file"), data.join("again")).unwrap();
        symlink("/etc/hostname", data.join("link")).unwrap();
        run(
            "mknod",
            &[
                "-m",
                "640",
                data.join("zero").to_str().unwrap(),
                "c",
                "1",
                "5",
            ],
        );
        run(
            "mkfifo",
            &["-m", "604", data.join("pipe").to_str().unwrap()],
        );
        std::os::unix::fs::lchown(data.join("sub"), Some(7), Some(8)).unwrap();
        std::os::unix::fs::lchown(data.join("link"), Some(9), Some(10)).unwrap();
        std::os::unix::fs::lchown(data.join("sub/file"), Some(1), Some(2)).unwrap();
        fs::set_permissions(data.join("sub/file"), fs::Permissions::from_mode(0o6755)).unwrap();
        fs::set_permissions(data.join("sub"), fs::Permissions::from_mode(0o2710)).unwrap();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o1770)).unwrap();
        run(
            "touch",
            &["-d", "@1000000000", data.join("sub").to_str().unwrap()],
        );
        std::os::unix::fs::chown(&data, Some(5), Some(6)).unwrap();
        // Some kernels add how they number inodes.
        assert_eq!(
            trial.output().replace(",inode64", ""),
            "tmpfs /data tmpfs rw,nosuid,nodev,relatime,size=1024k,mode=1770,uid=5,gid=6 0 0\n\
             . drwxrwx--T 5:6 0,0 3 140\n\
             again -rwsr-sr-x 1:2 0,0 2 8\n\
             link lrwxrwxrwx 9:10 0,0 1 13\n\
             pipe prw----r-- 0:0 0,0 1 0\n\
             sub drwx--s--- 7:8 0,0 2 60\n\
             zero crw-r----- 0:0 1,5 1 0\n\
             content\n/etc/hostname\n1000000000\n"
        );
    });
}

#[test]
fn extended_attributes_and_file_capabilities_are_kept() {
    let Some(image) = alpine("copy_up::extended_attributes") else {
        return;
    };
    apart("extended_attributes", || {
        // Read from outside, where the tools are.
        let (mut trial, data) = trial(&image, "exec sleep 100", &[]);
        trial.linux(|linux| {
            linux.set_seccomp(None);
        });
        let program = data.join("program");
        fs::write(&program, "x").unwrap();
        // CAP_NET_RAW, effective and permitted, revision 2.
        let capability: [u8; 20] = [
            1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        let set = |name: &str, value: &[u8]| {
            rustix::fs::setxattr(&program, name, value, rustix::fs::XattrFlags::empty()).unwrap();
        };
        set("security.capability", &capability);
        set("trusted.mark", b"marked");
        std::os::unix::fs::chown(&program, Some(3), Some(3)).unwrap();
        set("security.capability", &capability);
        let (running, _out, _err) = trial.start();
        let copy = format!("/proc/{}/root/data/program", running.pid);
        let get = |name: &str| {
            let mut value = [0; 64];
            let length = rustix::fs::getxattr(&copy, name, &mut value[..]).unwrap();
            value[..length].to_vec()
        };
        assert_eq!(get("security.capability"), capability);
        assert_eq!(get("trusted.mark"), b"marked");
        crate::support::end(&running);
    });
}

#[test]
fn what_the_container_writes_stays_in_memory() {
    let Some(image) = alpine("copy_up::what_the_container_writes") else {
        return;
    };
    apart("what_the_container_writes", || {
        let script = "echo new > /data/file; touch /data/other; cat /data/file";
        let (trial, data) = trial(&image, script, &[]);
        fs::write(data.join("file"), "old\n").unwrap();
        assert_eq!(trial.output(), "new\n");
        assert_eq!(fs::read_to_string(data.join("file")).unwrap(), "old\n");
        assert!(!trial.upper().join("data").exists());
    });
}

#[test]
fn a_read_only_copy_is_full_and_cannot_be_written() {
    let Some(image) = alpine("copy_up::a_read_only_copy") else {
        return;
    };
    apart("a_read_only_copy", || {
        let script = "cat /data/file; touch /data/x 2>&1; stat -c %a /data";
        let (trial, data) = trial(&image, script, &["ro", "mode=711"]);
        fs::write(data.join("file"), "there\n").unwrap();
        assert_eq!(
            trial.run().stdout,
            "there\ntouch: /data/x: Read-only file system\n711\n"
        );
    });
}

#[test]
fn a_link_out_of_the_image_is_copied_as_a_link() {
    let Some(image) = alpine("copy_up::a_link_out_of_the_image") else {
        return;
    };
    apart("a_link_out_of_the_image", || {
        let script = "readlink /data/out; readlink /data/up";
        let (trial, data) = trial(&image, script, &[]);
        let secret = trial.extra();
        fs::write(secret.join("secret"), "secret").unwrap();
        symlink(&secret, data.join("out")).unwrap();
        symlink("../../../../../../..", data.join("up")).unwrap();
        let output = trial.output();
        let mut lines = output.lines();
        assert_eq!(lines.next(), secret.to_str());
        assert_eq!(lines.next(), Some("../../../../../../.."));
        let upper = trial.upper();
        assert!(!upper.join("data").exists(), "it was followed");
    });
}

#[test]
fn a_mount_below_is_not_the_images() {
    let Some(image) = alpine("copy_up::a_mount_below") else {
        return;
    };
    apart("a_mount_below", || {
        let mut trial = Trial::shell(&image, "ls /data");
        let data = trial.layer().join("data");
        fs::create_dir_all(data.join("below")).unwrap();
        fs::write(data.join("file"), "").unwrap();
        let host = trial.extra();
        fs::write(host.join("host"), "").unwrap();
        trial.bind(&host, "/data/below", &[]);
        trial.mount(defaults::mount("/data", "tmpfs", "tmpfs", &["tmpcopyup"]));
        assert_eq!(trial.output(), "file\n");
    });
}

#[test]
fn an_image_that_does_not_fit_is_named() {
    let Some(image) = alpine("copy_up::an_image_that_does_not_fit") else {
        return;
    };
    apart("an_image_that_does_not_fit", || {
        let (trial, data) = trial(&image, "true", &["size=16k"]);
        fs::create_dir(data.join("sub")).unwrap();
        fs::write(data.join("sub/big"), vec![1; 100_000]).unwrap();
        assert_eq!(
            trial.failure().1,
            "error during container init: error mounting \"tmpfs\" to rootfs at \"/data\": \
             copying sub/big: no space left on device"
        );
    });
}

#[test]
fn a_mount_point_that_the_image_has_not_is_empty() {
    let Some(image) = alpine("copy_up::a_mount_point_that_the_image_has_not") else {
        return;
    };
    apart("a_mount_point_that_the_image_has_not", || {
        let mut trial = Trial::shell(&image, "ls -A /new; stat -c %a /new");
        trial.mount(defaults::mount("/new", "tmpfs", "tmpfs", &["tmpcopyup"]));
        assert_eq!(trial.output(), "1777\n");
        let mut trial = Trial::new(&image, &["true"]);
        trial.mount(defaults::mount("/dev/x", "proc", "proc", &["tmpcopyup"]));
        let count = trial.spec.mounts().as_ref().unwrap().len() - 1;
        assert_eq!(
            trial.failure().1,
            format!(
                "mounts[{count}] at /dev/x: mount option tmpcopyup has no meaning for \
                 a filesystem other than tmpfs"
            )
        );
    });
}
