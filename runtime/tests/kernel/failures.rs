//! Starts that fail: the text, the kind, and nothing left behind.

use std::os::fd::AsFd;

use rbox_runtime::FailureKind::{Denied, NotFound, Other};

use crate::support::{Trial, alpine, apart};

#[test]
fn commands_that_cannot_run_have_dockers_texts() {
    let Some(image) = alpine("failures::commands_that_cannot_run") else {
        return;
    };
    apart("commands_that_cannot_run", || {
        for (command, kind, text) in [
            (
                "nosuchcmd",
                NotFound,
                "exec: \"nosuchcmd\": executable file not found in $PATH",
            ),
            (
                "/no/such",
                NotFound,
                "exec: \"/no/such\": stat /no/such: no such file or directory",
            ),
            (
                "./foo",
                NotFound,
                "exec: \"./foo\": stat ./foo: no such file or directory",
            ),
            (
                "/etc/passwd",
                Denied,
                "exec: \"/etc/passwd\": permission denied",
            ),
            ("/etc", Denied, "exec: \"/etc\": permission denied"),
            (
                "",
                NotFound,
                "exec: \"\": executable file not found in $PATH",
            ),
        ] {
            let trial = Trial::new(&image, &[command]);
            assert_eq!(trial.failure(), (kind, text.to_owned()));
            assert_no_cgroup(&trial);
        }
    });
}

#[test]
fn a_host_name_that_is_too_long_reads_as_in_docker() {
    let Some(image) = alpine("failures::a_host_name_that_is_too_long") else {
        return;
    };
    apart("a_host_name_that_is_too_long", || {
        let mut trial = Trial::new(&image, &["true"]);
        trial.spec.set_hostname(Some("a".repeat(68)));
        let text = "error during container init: sethostname: invalid argument";
        assert_eq!(trial.failure(), (Other, text.to_owned()));
        assert_no_cgroup(&trial);
    });
}

#[test]
fn a_container_that_is_not_started_leaves_nothing() {
    let Some(image) = alpine("failures::a_container_that_is_not_started") else {
        return;
    };
    apart("a_container_that_is_not_started", || {
        let trial = Trial::new(&image, &["true"]);
        // At once, and after it is ready.
        let (created, out, err) = trial.created();
        let pid = created.pid();
        drop((created, out, err));
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
        assert_no_cgroup(&trial);
        let (mut created, out, err) = trial.created();
        created.wait_ready().unwrap();
        drop((created, out, err));
        assert_no_cgroup(&trial);
    });
}

#[test]
fn a_process_that_is_killed_during_set_up_is_reported() {
    let Some(image) = alpine("failures::a_process_that_is_killed") else {
        return;
    };
    apart("a_process_that_is_killed", || {
        let trial = Trial::new(&image, &["true"]);
        let (mut created, out, err) = trial.created();
        let kill = rustix::process::Signal::KILL;
        rustix::process::pidfd_send_signal(created.pidfd(), kill).unwrap();
        let text = match created.wait_ready() {
            Err(error) => {
                drop(created);
                error.to_string()
            }
            // It was ready before the signal came. Killed between the word to
            // go and exec it counts as started, and as ended by the signal.
            Ok(()) => match created.start() {
                Err(error) => error.to_string(),
                Ok(running) => {
                    assert_eq!(crate::support::reap(running.pidfd.as_fd()), 137);
                    running.cgroup.delete().unwrap();
                    "the container was started".to_owned()
                }
            },
        };
        assert!(text.contains("container"), "{text}");
        drop((out, err));
        assert_no_cgroup(&trial);
    });
}

fn assert_no_cgroup(trial: &Trial) {
    for hierarchy in rbox_runtime::cgroup::hierarchies().unwrap() {
        assert!(!hierarchy.mount.join(&trial.id).exists(), "{hierarchy:?}");
    }
}
