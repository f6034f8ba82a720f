//! What is mounted, hidden and protected.

use rbox_runtime::rootfs::overlay::{self, Writable};
use rbox_runtime::spec::defaults;
use rustix::fs::{Mode, OFlags};

use crate::support::{Trial, alpine, apart};

/// Mount point, type and options of every mount, in order.
const TABLE: &str = "awk '{ print $2, $3, $4 }' /proc/mounts";

#[test]
fn the_mounts_are_dockers_in_dockers_order() {
    let Some(image) = alpine("mounts::the_mounts_are_dockers_in_dockers_order") else {
        return;
    };
    apart("the_mounts_are_dockers_in_dockers_order", || {
        // Some kernels add how they number inodes.
        let output = Trial::shell(&image, TABLE).output().replace(",inode64", "");
        let lines: Vec<_> = output
            .lines()
            .filter(|l| !l.contains("/sys/fs/cgroup/"))
            .collect();
        assert!(
            lines[0].starts_with("/ overlay rw,relatime,lowerdir"),
            "{}",
            lines[0]
        );
        let expected = [
            "/proc proc rw,nosuid,nodev,noexec,relatime",
            "/dev tmpfs rw,nosuid,size=65536k,mode=755",
            "/dev/pts devpts rw,nosuid,noexec,relatime,gid=5,mode=620,ptmxmode=666",
            "/sys sysfs ro,nosuid,nodev,noexec,relatime",
        ];
        assert_eq!(lines[1..5], expected);
        let rest = &lines[5..];
        for wanted in [
            "/dev/mqueue mqueue rw,nosuid,nodev,noexec,relatime",
            "/dev/shm tmpfs rw,nosuid,nodev,noexec,relatime,size=65536k",
            "/proc/bus proc ro,nosuid,nodev,noexec,relatime",
            "/proc/fs proc ro,nosuid,nodev,noexec,relatime",
            "/proc/irq proc ro,nosuid,nodev,noexec,relatime",
            "/proc/sys proc ro,nosuid,nodev,noexec,relatime",
            "/proc/interrupts tmpfs rw,nosuid,size=65536k,mode=755",
        ] {
            assert!(rest.contains(&wanted), "{wanted} is not among {rest:#?}");
        }
        let shadows: Vec<_> = rest
            .iter()
            .filter(|line| line.ends_with(" tmpfs ro,relatime"))
            .collect();
        assert!(!shadows.is_empty(), "no directory is masked: {rest:#?}");
    });
}

#[test]
fn version_1_hierarchies_show_the_containers_own_group_read_only() {
    let Some(image) = alpine("mounts::version_1_hierarchies") else {
        return;
    };
    if !std::path::Path::new("/sys/fs/cgroup/pids/tasks").exists() {
        return;
    }
    apart("version_1_hierarchies", || {
        let trial = Trial::shell(
            &image,
            "cat /sys/fs/cgroup/pids/tasks; mkdir /sys/fs/cgroup/pids/x; \
             grep ' /sys/fs/cgroup' /proc/mounts | cut -d' ' -f 2,3,4; cat /proc/self/cgroup",
        );
        let outcome = trial.run();
        assert!(outcome.stdout.starts_with("1\n"), "{outcome:?}");
        assert!(
            outcome.stderr.contains("Read-only file system"),
            "{outcome:?}"
        );
        let line = "/sys/fs/cgroup tmpfs rw,nosuid,nodev,noexec,relatime,mode=755\n";
        assert!(outcome.stdout.contains(line), "{outcome:?}");
        let line = "/sys/fs/cgroup/pids cgroup ro,nosuid,nodev,noexec,relatime,pids\n";
        assert!(outcome.stdout.contains(line), "{outcome:?}");
        assert!(
            outcome.stdout.contains(":pids:/\n"),
            "a cgroup namespace: {outcome:?}"
        );
        assert!(!outcome.stdout.contains("unified"), "{outcome:?}");
    });
}

#[test]
fn masked_paths_are_empty_and_cannot_be_written() {
    let Some(image) = alpine("mounts::masked_paths_are_empty") else {
        return;
    };
    apart("masked_paths_are_empty", || {
        let trial = Trial::shell(
            &image,
            "ls -A /proc/acpi /sys/firmware 2>/dev/null | grep -v : | grep -c .; \
             wc -c < /proc/interrupts; wc -c < /proc/keys; wc -c < /proc/timer_list; \
             touch /sys/firmware/x 2>&1; echo 1 > /proc/sys/net/ipv4/ip_forward",
        );
        let outcome = trial.run();
        assert_eq!(
            outcome.stdout, "0\n0\n0\n0\ntouch: /sys/firmware/x: Read-only file system\n",
            "{outcome:?}"
        );
        assert!(
            outcome.stderr.contains("ip_forward: Read-only file system"),
            "{outcome:?}"
        );
    });
}

#[test]
fn a_read_only_root_leaves_its_mounts_writable() {
    let Some(image) = alpine("mounts::a_read_only_root") else {
        return;
    };
    apart("a_read_only_root", || {
        let mut trial = Trial::shell(
            &image,
            "touch /x; touch /dev/shm/x && touch /dev/y && echo ok; pwd",
        );
        let mut root = trial.spec.root().clone().unwrap();
        root.set_readonly(Some(true));
        trial.spec.set_root(Some(root));
        trial.process(|process| {
            process.set_cwd("/made/anyway".into());
        });
        let outcome = trial.run();
        assert_eq!(outcome.stdout, "ok\n/made/anyway\n");
        assert_eq!(outcome.stderr, "touch: /x: Read-only file system\n");
    });
}

#[test]
fn a_tmpfs_takes_options_and_the_mode_of_what_it_covers() {
    let Some(image) = alpine("mounts::a_tmpfs_takes_options") else {
        return;
    };
    apart("a_tmpfs_takes_options", || {
        let options = ["nosuid", "nodev", "noexec"];
        let mut trial = Trial::shell(
            &image,
            "stat -c '%a %u' /tmp /run /root /new; grep -E ' /(tmp|run) ' /proc/mounts",
        );
        trial.mount(defaults::mount("/tmp", "tmpfs", "tmpfs", &options));
        trial.mount(defaults::mount("/root", "tmpfs", "tmpfs", &options));
        trial.mount(defaults::mount("/new", "tmpfs", "tmpfs", &options));
        let with = [
            "nosuid",
            "nodev",
            "noexec",
            "size=64k",
            "mode=1777",
            "uid=5",
        ];
        trial.mount(defaults::mount("/run", "tmpfs", "tmpfs", &with));
        // Some kernels add how they number inodes.
        assert_eq!(
            trial.output().replace(",inode64", ""),
            "1777 0\n1777 5\n700 0\n1777 0\n\
             tmpfs /tmp tmpfs rw,nosuid,nodev,noexec,relatime 0 0\n\
             tmpfs /run tmpfs rw,nosuid,nodev,noexec,relatime,size=64k,uid=5 0 0\n"
        );
    });
}

#[test]
fn an_unknown_filesystem_or_option_is_named() {
    let Some(image) = alpine("mounts::an_unknown_filesystem") else {
        return;
    };
    apart("an_unknown_filesystem", || {
        let mut trial = Trial::new(&image, &["true"]);
        trial.mount(defaults::mount("/x", "nosuchfs", "none", &[]));
        assert_eq!(
            trial.failure().1,
            "error during container init: error mounting \"none\" to rootfs at \"/x\": no such device"
        );
        let mut trial = Trial::new(&image, &["true"]);
        trial.mount(defaults::mount("/x", "tmpfs", "tmpfs", &["bogus"]));
        assert_eq!(
            trial.failure().1,
            "error during container init: error mounting \"tmpfs\" to rootfs at \"/x\": invalid argument"
        );
    });
}

#[test]
fn a_bundles_own_directory_can_be_the_root() {
    let Some(image) = alpine("mounts::a_bundles_own_directory") else {
        return;
    };
    apart("a_bundles_own_directory", || {
        let mut trial = Trial::shell(&image, "touch /made; cat /proc/mounts | wc -l");
        let root = trial.directory.path().join("rootfs");
        // A copy would be slow; what the container writes goes to a tmpfs.
        std::fs::create_dir(&root).unwrap();
        let upper = trial.upper();
        let work = trial.directory.path().join("work");
        let mount = overlay::detached(std::slice::from_ref(&image), &Writable::new(&upper, &work));
        rustix::mount::move_mount(
            mount.unwrap(),
            "",
            rustix::fs::CWD,
            &root,
            rustix::mount::MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
        )
        .unwrap();
        let output = trial.plain_root().output();
        assert!(output.trim().parse::<u32>().unwrap() > 10);
        assert!(root.join("made").exists());
        rustix::mount::unmount(&root, rustix::mount::UnmountFlags::DETACH).unwrap();
    });
}

#[test]
fn a_volatile_overlay_can_be_mounted_again() {
    let Some(image) = alpine("mounts::a_volatile_overlay") else {
        return;
    };
    apart("a_volatile_overlay", || {
        let trial = Trial::shell(&image, "true");
        let (upper, work) = (trial.upper(), trial.directory.path().join("work"));
        let once = |volatile| {
            let writable = Writable {
                upper: &upper,
                work: &work,
                volatile,
            };
            let mount = overlay::detached(std::slice::from_ref(&image), &writable).unwrap();
            let name = if volatile { "fleeting" } else { "lasting" };
            let file = rustix::fs::openat(&mount, name, OFlags::CREATE, Mode::RUSR);
            drop(file.unwrap());
            let marked = work.join("work/incompat/volatile/dirty").exists();
            assert_eq!(marked, volatile);
        };
        for volatile in [true, true, false, true] {
            once(volatile);
        }
        assert!(upper.join("fleeting").exists() && upper.join("lasting").exists());
    });
}
