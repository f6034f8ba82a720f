//! Users, groups, capabilities, the system call filter.

use std::collections::HashSet;

use rbox_runtime::security::capabilities::{Capability, process_sets};

use crate::support::{Trial, alpine, apart};

const STATUS: &str = "grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp):|^Cap' /proc/self/status";

fn line<'a>(status: &'a str, key: &str) -> &'a str {
    let mut lines = status.lines().filter_map(|line| line.split_once(":\t"));
    lines.find(|(name, _)| *name == key).unwrap().1.trim()
}

#[test]
fn root_has_dockers_capabilities_and_the_filter() {
    let Some(image) = alpine("users::root_has_dockers_capabilities") else {
        return;
    };
    apart("root_has_dockers_capabilities", || {
        let status = Trial::shell(&image, STATUS).output();
        for (key, value) in [
            ("Uid", "0\t0\t0\t0"),
            ("Gid", "0\t0\t0\t0"),
            ("Groups", ""),
            ("CapInh", "0000000000000000"),
            ("CapPrm", "00000000a80425fb"),
            ("CapEff", "00000000a80425fb"),
            ("CapBnd", "00000000a80425fb"),
            ("CapAmb", "0000000000000000"),
            ("NoNewPrivs", "0"),
            ("Seccomp", "2"),
        ] {
            assert_eq!(line(&status, key), value, "{key}");
        }
    });
}

#[test]
fn another_user_has_no_capabilities_and_the_same_bounding_set() {
    let Some(image) = alpine("users::another_user_has_no_capabilities") else {
        return;
    };
    apart("another_user_has_no_capabilities", || {
        let mut trial = Trial::shell(&image, STATUS);
        trial.user(1000, 5).process(|process| {
            process.user_mut().set_additional_gids(Some(vec![20, 27]));
        });
        let status = trial.output();
        for (key, value) in [
            ("Uid", "1000\t1000\t1000\t1000"),
            ("Gid", "5\t5\t5\t5"),
            ("Groups", "20 27"),
            ("CapPrm", "0000000000000000"),
            ("CapEff", "0000000000000000"),
            ("CapBnd", "00000000a80425fb"),
            ("Seccomp", "2"),
        ] {
            assert_eq!(line(&status, key), value, "{key}");
        }
    });
}

#[test]
fn ambient_capabilities_reach_another_users_program() {
    let Some(image) = alpine("users::ambient_capabilities") else {
        return;
    };
    apart("ambient_capabilities", || {
        let mut trial = Trial::shell(&image, STATUS);
        let one = Some(HashSet::from([Capability::NetBindService]));
        trial.user(1000, 1000).process(|process| {
            let mut sets = process.capabilities().clone().unwrap();
            sets.set_bounding(one.clone())
                .set_permitted(one.clone())
                .set_inheritable(one.clone())
                .set_effective(one.clone())
                .set_ambient(one.clone());
            process.set_capabilities(Some(sets));
        });
        let status = trial.output();
        for key in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(line(&status, key), "0000000000000400", "{key}");
        }
    });
}

#[test]
fn no_capabilities_at_all_still_runs() {
    let Some(image) = alpine("users::no_capabilities_at_all") else {
        return;
    };
    apart("no_capabilities_at_all", || {
        let mut trial = Trial::shell(&image, STATUS);
        trial.process(|process| {
            process
                .set_capabilities(Some(process_sets(&[], 0)))
                .set_no_new_privileges(Some(true));
        });
        let status = trial.output();
        assert_eq!(line(&status, "CapBnd"), "0000000000000000");
        assert_eq!(line(&status, "CapEff"), "0000000000000000");
        assert_eq!(line(&status, "NoNewPrivs"), "1");
        assert_eq!(line(&status, "Seccomp"), "2");
    });
}

#[test]
fn the_filter_refuses_what_docker_refuses() {
    let Some(image) = alpine("users::the_filter_refuses") else {
        return;
    };
    apart("the_filter_refuses", || {
        let script = "unshare -m true; mount -t tmpfs x /mnt; hostname newname; dmesg";
        let outcome = Trial::shell(&image, script).run();
        assert_eq!(
            outcome.stderr,
            "unshare: unshare(0x20000): Operation not permitted\n\
             mount: permission denied (are you root?)\n\
             hostname: sethostname: Operation not permitted\n\
             dmesg: klogctl: Operation not permitted\n"
        );
    });
}

#[test]
fn without_a_filter_there_is_none() {
    let Some(image) = alpine("users::without_a_filter") else {
        return;
    };
    apart("without_a_filter", || {
        let mut trial = Trial::shell(&image, STATUS);
        trial.linux(|linux| {
            linux.set_seccomp(None);
        });
        assert_eq!(line(&trial.output(), "Seccomp"), "0");
    });
}

#[test]
fn another_user_can_open_its_streams_again() {
    let Some(image) = alpine("users::another_user_can_open_its_streams") else {
        return;
    };
    apart("another_user_can_open_its_streams", || {
        let mut trial = Trial::shell(&image, "echo out > /dev/stdout; echo err > /dev/stderr");
        let outcome = trial.user(1000, 1000).run();
        assert_eq!(
            (outcome.stdout.as_str(), outcome.stderr.as_str()),
            ("out\n", "err\n")
        );
    });
}

#[test]
fn the_umask_is_the_configurations() {
    let Some(image) = alpine("users::the_umask_is_the_configurations") else {
        return;
    };
    apart("the_umask_is_the_configurations", || {
        let mut trial = Trial::shell(&image, "umask; touch /tmp/x; stat -c %a /tmp/x");
        trial.process(|process| {
            process.user_mut().set_umask(Some(0o137));
        });
        assert_eq!(trial.output(), "0137\n640\n");
        trial.process(|process| {
            process.user_mut().set_umask(Some(0o1000));
        });
        assert_eq!(
            trial.failure().1,
            "process.user.umask: 0o1000 is above 0o777"
        );
    });
}
