//! Rights that are inherited from the caller or taken from files.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use rbox_runtime::security::capabilities::process_sets;
use rustix::process::Gid;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, configure_capability_in_ambient_set,
    set_capabilities, set_thread_groups,
};

use crate::support::{Trial, alpine, apart, attacker, end, enter, reap, sleeper};

const SETS: &str = "grep -E '^Cap(Inh|Prm|Amb)' /proc/self/status; grep ^Groups /proc/self/status";

/// The caller's inheritable and ambient sets hold all that it has.
pub fn fill_our_sets() {
    let ours = capabilities(None).unwrap();
    let sets = CapabilitySets {
        inheritable: ours.permitted,
        ..ours
    };
    set_capabilities(None, sets).unwrap();
    for bit in ours.permitted.iter() {
        configure_capability_in_ambient_set(bit, true).unwrap();
    }
    assert!(ours.permitted.contains(CapabilitySet::SYS_ADMIN));
}

fn our_groups(numbers: &[u32]) {
    let groups: Vec<_> = numbers
        .iter()
        .map(|&number| Gid::from_raw(number))
        .collect();
    set_thread_groups(&groups).unwrap();
}

/// CVE-2022-24769, CVE-2022-29162: inheritable capabilities that no
/// configuration asked for.
#[test]
fn inheritable_and_ambient_sets_of_the_caller_stay_outside() {
    let Some(image) = alpine("attacks_privileges::inheritable_and_ambient") else {
        return;
    };
    apart("inheritable_and_ambient", || {
        fill_our_sets();
        let nothing = "CapInh:\t0000000000000000\n";
        let ambient = "CapAmb:\t0000000000000000\n";
        let (_trial, running) = sleeper(&image);
        for (user, permitted) in [(0, "00000000a80425fb"), (1000, "0000000000000000")] {
            let mut trial = Trial::shell(&image, SETS);
            trial.user(user, user);
            let wanted = format!("{nothing}CapPrm:\t{permitted}\n{ambient}Groups:\t \n");
            assert_eq!(trial.output(), wanted);
            let (process, text) = enter(&running, &trial).unwrap();
            assert_eq!(reap(std::os::fd::AsFd::as_fd(&process.pidfd)), 0);
            assert_eq!(text, wanted, "in a later process");
            // A configuration that says nothing about them gives none.
            trial.process(|process| {
                process.set_capabilities(None);
            });
            let wanted = format!("{nothing}CapPrm:\t0000000000000000\n{ambient}Groups:\t \n");
            assert_eq!(trial.output(), wanted);
            let (process, text) = enter(&running, &trial).unwrap();
            assert_eq!(reap(std::os::fd::AsFd::as_fd(&process.pidfd)), 0);
            assert_eq!(text, wanted, "in a later process");
        }
        end(&running);
    });
}

/// CVE-2022-2990, CVE-2022-36109: groups of the caller.
#[test]
fn groups_are_those_of_the_configuration_and_no_other() {
    let Some(image) = alpine("attacks_privileges::groups_are_those") else {
        return;
    };
    apart("groups_are_those", || {
        our_groups(&[0, 4, 27, 4242]);
        let (_trial, running) = sleeper(&image);
        for (groups, shown) in [
            (None, " "),
            (Some(vec![]), " "),
            (Some(vec![7]), "7 "),
            (Some(vec![1000, 5]), "5 1000 "),
        ] {
            let mut trial = Trial::shell(&image, "grep ^Groups /proc/self/status; id -g");
            trial.user(1000, 1000).process(|process| {
                process.user_mut().set_additional_gids(groups.clone());
            });
            let wanted = format!("Groups:\t{shown}\n1000\n");
            assert_eq!(trial.output(), wanted, "{groups:?}");
            let (process, text) = enter(&running, &trial).unwrap();
            assert_eq!(reap(std::os::fd::AsFd::as_fd(&process.pidfd)), 0);
            assert_eq!(text, wanted, "{groups:?} in a later process");
        }
        end(&running);
    });
}

/// A file that all may read but one group: who is in the group stays out, even
/// through a program that takes on another group.
#[test]
fn a_group_that_may_less_than_others_is_not_shed() {
    let Some(image) = alpine("attacks_privileges::a_group_that_may_less") else {
        return;
    };
    apart("a_group_that_may_less", || {
        let mut trial = attacker(&image, "read what the group may not");
        let layer = trial.layer();
        file(&layer.join("denied"), b"secret", (0, 1000), 0o604);
        let program = fs::read(std::env::current_exe().unwrap()).unwrap();
        file(&layer.join("other-group"), &program, (0, 99), 0o2755);
        replace_program(&mut trial, "/other-group");
        trial.user(1000, 1000).process(|process| {
            process.user_mut().set_additional_gids(Some(vec![1000]));
        });
        trial.withstands();
    });
}

#[test]
fn a_setuid_file_gives_nothing_with_no_new_privileges_or_nosuid() {
    let Some(image) = alpine("attacks_privileges::a_setuid_file") else {
        return;
    };
    apart("a_setuid_file", || {
        let program = fs::read(std::env::current_exe().unwrap()).unwrap();
        let mut trial = attacker(&image, "become root by a setuid file");
        let layer = trial.layer();
        file(&layer.join("setuid"), &program, (0, 0), 0o4755);
        replace_program(&mut trial, "/setuid");
        trial.user(1000, 1000).process(|process| {
            process.set_no_new_privileges(Some(true));
        });
        trial.withstands();
        // The same file does what it says where nothing forbids it, within the
        // bounding set.
        trial.process(|process| {
            process.set_no_new_privileges(None);
        });
        assert!(
            trial.run().stderr.contains("it is root, within"),
            "no attack"
        );
        let volume = trial.extra();
        file(&volume.join("setuid"), &program, (0, 0), 0o4755);
        trial.bind(&volume, "/volume", &["nosuid"]);
        replace_program(&mut trial, "/volume/setuid");
        trial.withstands();
    });
}

#[test]
fn file_capabilities_stay_within_the_bounding_set() {
    let Some(image) = alpine("attacks_privileges::file_capabilities") else {
        return;
    };
    apart("file_capabilities", || {
        let program = fs::read(std::env::current_exe().unwrap()).unwrap();
        let mut trial = attacker(&image, "gain capabilities by a file");
        let path = trial.layer().join("capable");
        file(&path, &program, (0, 0), 0o755);
        // vfs_cap_data, revision 2: all of the first 32 inheritable, none permitted.
        let all = [0x0200_0001_u32, 0, u32::MAX, 0, 0x1ff];
        let bytes: Vec<u8> = all.iter().flat_map(|word| word.to_le_bytes()).collect();
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(&path, "security.capability", &bytes, flags).unwrap();
        replace_program(&mut trial, "/capable");
        fill_our_sets();
        trial.user(1000, 1000).withstands();
        trial.process(|process| {
            process.set_capabilities(Some(process_sets(&[], 1000)));
        });
        trial.withstands();
    });
}

fn file(path: &Path, content: &[u8], (owner, group): (u32, u32), mode: u32) {
    fs::write(path, content).unwrap();
    chown(path, Some(owner), Some(group)).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Runs the attack by another copy of its program.
fn replace_program(trial: &mut Trial, path: &str) {
    trial.process(|process| {
        let mut args = process.args().clone().unwrap();
        path.clone_into(&mut args[0]);
        process.set_args(Some(args));
    });
}
