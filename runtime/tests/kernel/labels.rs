//! AppArmor profiles and SELinux labels, where the kernel has them.

use crate::support::{Trial, alpine, apart, skip};

fn has_apparmor() -> bool {
    std::fs::read_to_string("/sys/module/apparmor/parameters/enabled")
        .is_ok_and(|enabled| enabled.starts_with('Y'))
}

fn has_selinux() -> bool {
    std::fs::read_to_string("/proc/filesystems").is_ok_and(|list| list.contains("selinuxfs"))
}

#[test]
fn an_apparmor_profile_reaches_the_kernel() {
    let test = "labels::an_apparmor_profile_reaches_the_kernel";
    let Some(image) = alpine(test) else {
        return;
    };
    if !has_apparmor() {
        return skip(test, "the kernel has no AppArmor");
    }
    apart("an_apparmor_profile_reaches_the_kernel", || {
        let profile = |name: &str| {
            let mut trial = Trial::new(&image, &["cat", "/proc/self/attr/current"]);
            trial.process(|process| {
                process.set_apparmor_profile(Some(name.to_owned()));
            });
            trial
        };
        assert_eq!(profile("unconfined").output(), "unconfined\n");
        let (_, text) = profile("rbox-no-such-profile").failure();
        assert!(
            text.starts_with("unable to apply apparmor profile \"rbox-no-such-profile\": write "),
            "{text}"
        );
    });
}

#[test]
fn labels_of_a_module_that_is_not_there_are_refused_by_name() {
    let Some(image) = alpine("labels::labels_of_a_module_that_is_not_there") else {
        return;
    };
    apart("labels_of_a_module_that_is_not_there", || {
        let mut trial = Trial::new(&image, &["true"]);
        trial.process(|process| {
            process.set_apparmor_profile(Some("docker-default".to_owned()));
        });
        if !has_apparmor() {
            assert_eq!(
                trial.failure().1,
                "process.apparmorProfile \"docker-default\" needs AppArmor, \
                 which this kernel does not have"
            );
        }
        if has_selinux() {
            return;
        }
        let mut trial = Trial::new(&image, &["true"]);
        trial.process(|process| {
            process.set_selinux_label(Some("a:b:c:s0".to_owned()));
        });
        assert_eq!(
            trial.failure().1,
            "process.selinuxLabel \"a:b:c:s0\" needs SELinux, which this kernel does not have"
        );
        let mut trial = Trial::new(&image, &["true"]);
        trial.linux(|linux| {
            linux.set_mount_label(Some("a:b:c:s0".to_owned()));
        });
        assert_eq!(
            trial.failure().1,
            "linux.mountLabel \"a:b:c:s0\" needs SELinux, which this kernel does not have"
        );
    });
}

#[test]
fn unconfined_asks_for_nothing() {
    let Some(image) = alpine("labels::unconfined_asks_for_nothing") else {
        return;
    };
    apart("unconfined_asks_for_nothing", || {
        let mut trial = Trial::new(&image, &["true"]);
        trial.process(|process| {
            process.set_apparmor_profile(Some("unconfined".to_owned()));
        });
        trial.output();
    });
}
