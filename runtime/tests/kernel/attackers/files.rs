//! The kernel's files: /proc and /sys.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What root of a container may open for writing: all of it is its own, or
/// tells its own pressure.
const WRITABLE: [&str; 1] = ["/proc/pressure/"];

/// Settings and triggers that would hand over the machine. Kernels differ in
/// which they have; at least the first is everywhere.
const DANGEROUS: [&str; 16] = [
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/hotplug",
    "/proc/sys/kernel/poweroff_cmd",
    "/proc/sys/kernel/sysrq",
    "/proc/sys/kernel/randomize_va_space",
    "/proc/sys/kernel/usermodehelper/bset",
    "/proc/sys/fs/binfmt_misc/register",
    "/proc/sys/vm/panic_on_oom",
    "/proc/sys/fs/suid_dumpable",
    "/proc/sysrq-trigger",
    "/proc/irq/default_smp_affinity",
    "/proc/mtrr",
    "/proc/scsi/scsi",
    "/sys/kernel/uevent_helper",
    "/sys/power/state",
];

/// Opens every file of /proc and /sys for writing, those of processes apart.
pub fn write_every_one() {
    let (mut opened, mut seen) = (Vec::new(), 0);
    let mut directories: Vec<PathBuf> = vec!["/proc".into(), "/sys".into()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let (path, Ok(kind)) = (entry.path(), entry.file_type()) else {
                continue;
            };
            let of_a_process = directory == Path::new("/proc")
                && entry.file_name().as_encoded_bytes()[0].is_ascii_digit();
            if kind.is_dir() && !of_a_process {
                directories.push(path);
            } else if kind.is_file() {
                seen += 1;
                opened.extend(opens_for_writing(&path).then_some(path));
            }
        }
    }
    assert!(seen > 500, "only {seen} files");
    opened.retain(|path| !WRITABLE.iter().any(|known| path.starts_with(known)));
    assert!(opened.is_empty(), "writable: {opened:?}");
    assert!(fs::exists(DANGEROUS[0]).unwrap());
    for path in DANGEROUS {
        assert!(!opens_for_writing(Path::new(path)), "{path}");
        assert!(fs::write(path, "x").is_err(), "{path}");
    }
}

/// Root may open read-only files for writing, too: what has no mode bit for it
/// has nothing that would take what is written.
fn opens_for_writing(path: &Path) -> bool {
    if fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o222 == 0) {
        return false;
    }
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path);
    // Behind the null device there is nothing.
    file.is_ok_and(|file| !is_null(&file))
}

fn is_null(file: &File) -> bool {
    let metadata = file.metadata().unwrap();
    metadata.file_type().is_char_device() && metadata.rdev() == libc::makedev(1, 3)
}

/// Memory, keys, timers, firmware: what is masked reads as nothing.
pub fn read_hidden_ones() {
    let mut seen = 0;
    for path in [
        "/proc/kcore",
        "/proc/keys",
        "/proc/timer_list",
        "/proc/interrupts",
        "/proc/latency_stats",
        "/proc/sched_debug",
        "/proc/acpi",
        "/proc/asound",
        "/proc/scsi",
        "/sys/firmware",
        "/sys/devices/virtual/powercap",
    ] {
        let Ok(metadata) = fs::metadata(path) else {
            continue;
        };
        seen += 1;
        if metadata.is_dir() {
            assert_eq!(fs::read_dir(path).unwrap().count(), 0, "{path}");
            assert!(fs::write(format!("{path}/x"), "").is_err(), "{path}");
        } else {
            assert!(is_null(&File::open(path).unwrap()), "{path}");
        }
    }
    assert!(seen >= 3, "only {seen} masks");
    for path in ["/proc/kmsg", "/dev/kmsg", "/dev/mem"] {
        let read = File::open(path).and_then(|mut file| file.read(&mut [0; 8]));
        assert!(read.is_err(), "{path}");
    }
}

/// The masks are mounts: every way to the same place ends at them.
pub fn reach_masks_by_other_names() {
    let own = std::process::id();
    let ways = [
        "/proc/self/..".to_owned(),
        "/proc/thread-self/../../..".to_owned(),
        "/proc/self/root/proc".to_owned(),
        "/proc/1/root/proc".to_owned(),
        format!("/proc/{own}/task/{own}/root/proc"),
        "/proc/self/cwd/proc".to_owned(),
        "/dev/fd/../../../proc".to_owned(),
    ];
    for way in ways {
        assert!(fs::exists(format!("{way}/version")).unwrap(), "{way}");
        let keys = File::open(format!("{way}/keys")).unwrap();
        assert!(is_null(&keys), "{way}/keys");
        let setting = format!("{way}/sys/kernel/core_pattern");
        assert!(!opens_for_writing(Path::new(&setting)), "{setting}");
    }
    // Through descriptors, too.
    let sys = File::open("/proc/sys").unwrap();
    let setting = format!("/proc/self/fd/{}/kernel/core_pattern", {
        use std::os::fd::AsRawFd;
        sys.as_raw_fd()
    });
    assert!(fs::exists(&setting).unwrap());
    assert!(!opens_for_writing(Path::new(&setting)));
}
