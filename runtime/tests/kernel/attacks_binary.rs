//! CVE-2019-5736: overwriting the program that makes containers.

use std::fs;
use std::path::Path;
use std::process::Command;

use rbox_runtime::cgroup::Cgroup;
use rustix::process::{WaitOptions, set_child_subreaper, wait};

use crate::support::{ARGUMENTS, alpine, apart};

/// Lets a copy of this program, in that form, make a container that attacks it:
/// what the attack met, and whether the copy is still what it was.
fn attacked(image: &Path, form: &str, way: &str) -> (String, bool) {
    let directory = tempfile::tempdir().unwrap();
    let victim = directory.path().join("victim");
    let original = fs::read(std::env::current_exe().unwrap()).unwrap();
    fs::copy(std::env::current_exe().unwrap(), &victim).unwrap();
    let volume = directory.path().join("volume");
    fs::create_dir(&volume).unwrap();
    // What is left by the copy becomes our child.
    set_child_subreaper(Some(rustix::process::getpid())).unwrap();
    let status = Command::new(&victim)
        .args(ARGUMENTS)
        .env("RBOX_TEST_ATTACK", "start a container")
        .env("RBOX_TEST_FORM", form)
        .env("RBOX_TEST_WAY", way)
        .env("RBOX_TEST_IMAGE", image)
        .env("RBOX_TEST_VOLUME", &volume)
        .output()
        .unwrap();
    assert!(status.status.success(), "{form}, {way}: {status:?}");
    let started = fs::read_to_string(volume.join("started")).unwrap();
    let (cgroup, trial) = started.split_once('\n').unwrap();
    while !fs::exists(volume.join("result")).unwrap() {
        let nobody = wait(WaitOptions::NOHANG);
        assert!(
            nobody.is_ok(),
            "{form}, {way}: the attack ended without a word"
        );
        std::thread::yield_now();
    }
    let cgroup = Cgroup::open(cgroup).unwrap();
    cgroup.kill_all().unwrap();
    while wait(WaitOptions::empty()).is_ok() {}
    cgroup.delete().unwrap();
    fs::remove_dir_all(trial).unwrap();
    let met = fs::read_to_string(volume.join("result")).unwrap();
    (met, fs::read(&victim).unwrap() == original)
}

const WAYS: [&str; 4] = ["run", "run a script", "exec", "exec a script"];

#[test]
fn the_program_behind_a_read_only_mount_is_not_overwritten() {
    let Some(image) = alpine("attacks_binary::behind_a_read_only_mount") else {
        return;
    };
    apart("behind_a_read_only_mount", || {
        for way in WAYS {
            let (met, same) = attacked(&image, "read-only", way);
            assert!(met.contains("Read-only file system"), "{way}: {met}");
            assert!(same, "{way}");
        }
    });
}

#[test]
fn the_sealed_copy_is_not_overwritten() {
    let Some(image) = alpine("attacks_binary::the_sealed_copy") else {
        return;
    };
    apart("the_sealed_copy", || {
        for way in WAYS {
            let (met, same) = attacked(&image, "sealed", way);
            assert!(met.contains("Operation not permitted"), "{way}: {met}");
            assert!(same, "{way}");
        }
    });
}

/// That the attack is one.
#[test]
fn the_program_as_it_is_would_be_overwritten() {
    let Some(image) = alpine("attacks_binary::the_program_as_it_is") else {
        return;
    };
    apart("the_program_as_it_is", || {
        let (met, same) = attacked(&image, "as it is", "run");
        assert_eq!((met.as_str(), same), ("overwritten\n", false));
    });
}
