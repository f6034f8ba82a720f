//! Filters on the real kernel. A filter belongs to a thread and what it starts,
//! and cannot be taken off: each test runs on a thread of its own.

use super::super::{compile, default_profile};
use super::skipped;
use crate::security::capabilities::DEFAULT;
use rustix::fd::AsFd;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use rustix::thread::UnshareFlags;
use std::io;

/// Puts `json` (OCI) on the calling thread, if the kernel lets us.
fn filter(test: &str, profile: &oci_spec::runtime::LinuxSeccomp) -> bool {
    rustix::thread::set_no_new_privs(true).unwrap();
    match compile(profile).unwrap().install() {
        Ok(_) => true,
        Err(error) if error.source.raw_os_error() == Some(libc::ENOSYS) => {
            skipped(test, "the kernel has no seccomp filters");
            false
        }
        Err(error) => panic!("{error}"),
    }
}

fn errno<T>(result: rustix::io::Result<T>) -> Option<Errno> {
    result.err()
}

#[test]
fn the_default_profile_denies_what_a_container_must_not_do() {
    let test = "the_default_profile_denies_what_a_container_must_not_do";
    if !filter(test, &default_profile(&DEFAULT)) {
        return;
    }
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    assert!(status.contains("\nSeccomp:\t2\n"), "{status}");

    // New namespaces and mounts.
    #[allow(deprecated, reason = "the flag tried here is safe, and refused")]
    let unshare = rustix::thread::unshare(UnshareFlags::NEWUTS);
    assert_eq!(errno(unshare), Some(Errno::PERM));
    let nowhere = "/nonexistent-rbox-test";
    let mount = rustix::mount::mount(
        "none",
        nowhere,
        "tmpfs",
        rustix::mount::MountFlags::empty(),
        None,
    );
    assert_eq!(
        errno(mount),
        Some(Errno::PERM),
        "not ENOENT: the filter comes first"
    );
    let fsopen = rustix::mount::fsopen("tmpfs", rustix::mount::FsOpenFlags::empty());
    assert_eq!(errno(fsopen), Some(Errno::PERM));
    let sethostname = rustix::system::sethostname(b"rbox-test");
    assert_eq!(errno(sethostname), Some(Errno::PERM));
    // No VSOCK, whatever is above the 32 bits of the family; other families are
    // for the kernel to judge.
    let vsock = AddressFamily::from_raw(40);
    let socket = |family| socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None);
    assert_eq!(errno(socket(vsock)), Some(Errno::PERM));
    assert!(socket(AddressFamily::UNIX).is_ok());
    // A thread and a process still start: the C library takes clone when clone3
    // answers ENOSYS.
    std::thread::spawn(|| {}).join().unwrap();
    assert!(
        std::process::Command::new("/bin/true")
            .status()
            .unwrap()
            .success()
    );
    assert!(std::fs::read_dir("/").is_ok());
}

/// What is not wrapped by any crate is asked for by Python, if there is one.
#[test]
fn the_default_profile_answers_raw_calls_as_docker_does() {
    let test = "the_default_profile_answers_raw_calls_as_docker_does";
    let Some(python) = ["/usr/bin/python3", "/usr/local/bin/python3"]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists())
    else {
        return skipped(test, "there is no python3");
    };
    if !cfg!(target_arch = "x86_64") || !filter(test, &default_profile(&DEFAULT)) {
        return;
    }
    let script = "
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_ulong(a) for a in arguments])
    return 'OK' if result >= 0 else errno.errorcode[ctypes.get_errno()]
for name, arguments in [
    ('keyctl', (250, 0, 0)), ('clone3', (435, 0, 0)), ('bpf', (321, 0, 0, 0)),
    ('io_uring_setup', (425, 1, 0)), ('personality get', (135, 0xffffffff)),
    ('personality other', (135, 0x1000000)), ('clone newuser', (56, 0x10000000, 0, 0, 0, 0)),
    ('vsock with a high bit', (41, (1 << 32) + 40, 1, 0)), ('newer than all', (600,)),
    ('gone', (134,)), ('kexec_load', (246, 0, 0, 0, 0)), ('getpid', (39,)),
]:
    print(name + ':', call(*arguments))
";
    let output = std::process::Command::new(python)
        .args(["-c", script])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "keyctl: EPERM\nclone3: ENOSYS\nbpf: EPERM\nio_uring_setup: EPERM\npersonality get: OK\n\
         personality other: EPERM\nclone newuser: EPERM\nvsock with a high bit: EPERM\n\
         newer than all: ENOSYS\ngone: EPERM\nkexec_load: EPERM\ngetpid: OK\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn conditions_on_arguments_hold_on_the_kernel() {
    let json = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["dup"], "action": "SCMP_ACT_ERRNO", "errnoRet": 71,
         "args": [{"index": 0, "value": 1000000, "op": "SCMP_CMP_LT"}]},
        {"names": ["setpriority"], "action": "SCMP_ACT_ERRNO", "errnoRet": 72,
         "args": [{"index": 0, "value": 3, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"},
                  {"index": 2, "value": 5, "op": "SCMP_CMP_GE"}]}]}"#;
    let test = "conditions_on_arguments_hold_on_the_kernel";
    if !filter(test, &serde_json::from_str(json).unwrap()) {
        return;
    }
    let null = std::fs::File::open("/dev/null").unwrap();
    assert_eq!(
        errno(rustix::io::dup(null.as_fd())).map(Errno::raw_os_error),
        Some(71)
    );
    assert!(
        rustix::io::fcntl_dupfd_cloexec(null.as_fd(), 0).is_ok(),
        "another call"
    );
    let set = |value| rustix::process::setpriority_pgrp(None, value);
    assert_eq!(errno(set(6)).map(Errno::raw_os_error), Some(72));
    assert_eq!(errno(set(0)), None, "the second condition does not hold");
}

#[test]
fn a_filter_without_privilege_and_without_no_new_privs_is_refused() {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    let mut sets = capabilities(None).unwrap();
    sets.effective = CapabilitySet::empty();
    set_capabilities(None, sets).unwrap();
    if rustix::thread::no_new_privs().unwrap() {
        return skipped(
            "a_filter_without_privilege_and_without_no_new_privs_is_refused",
            "no_new_privs is set already",
        );
    }
    let json = r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#;
    let program = compile(&serde_json::from_str(json).unwrap()).unwrap();
    let error = program.install().unwrap_err();
    assert_eq!(error.source.kind(), io::ErrorKind::PermissionDenied);
    assert_eq!(
        error.to_string(),
        format!(
            "cannot install the seccomp filter of {} instructions: Permission denied (os error 13)",
            program.len()
        )
    );
}

#[test]
fn a_filter_that_notifies_gives_its_descriptor() {
    let json = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["swapoff"], "action": "SCMP_ACT_NOTIFY"}]}"#;
    let program = compile(&serde_json::from_str(json).unwrap()).unwrap();
    assert!(program.notifies());
    rustix::thread::set_no_new_privs(true).unwrap();
    match program.install() {
        Ok(fd) => assert!(fd.is_some()),
        Err(error) => skipped(
            "a_filter_that_notifies_gives_its_descriptor",
            &error.to_string(),
        ),
    }
}
