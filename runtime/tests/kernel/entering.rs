//! Processes in a running container.

use std::fs::File;
use std::os::fd::AsFd;

use rbox_runtime::{ExecError, ExecRequest, FailureKind, Running, Stdio, exec};

use crate::support::{Trial, alpine, apart, end, enter, read_all, reap, sleeper};

fn refusal(running: &Running, trial: &Trial) -> (FailureKind, String) {
    let error = enter(running, trial).map(|_| ()).unwrap_err();
    (error.kind(), error.to_string())
}

#[test]
fn it_is_in_all_namespaces_and_the_cgroup() {
    let Some(image) = alpine("entering::it_is_in_all_namespaces") else {
        return;
    };
    apart("it_is_in_all_namespaces", || {
        let (_trial, running) = sleeper(&image);
        let script = "for n in mnt pid net ipc uts cgroup; do \
                        [ $(readlink /proc/1/ns/$n) = $(readlink /proc/self/ns/$n) ] && echo $n; done; \
                      cmp /proc/1/cgroup /proc/self/cgroup && echo same; ps -o pid,ppid,args";
        let before = std::fs::read_link("/proc/self/ns/pid_for_children").unwrap();
        let trial = Trial::shell(&image, script);
        let (process, text) = enter(&running, &trial).unwrap();
        assert_eq!(reap(process.pidfd.as_fd()), 0);
        assert!(
            text.starts_with("mnt\npid\nnet\nipc\nuts\ncgroup\nsame\n"),
            "{text}"
        );
        assert!(text.contains("    1     0 sleep 100\n"), "{text}");
        let after = std::fs::read_link("/proc/self/ns/pid_for_children").unwrap();
        assert_eq!(before, after);
        end(&running);
    });
}

#[test]
fn user_directory_capabilities_and_filter_are_the_process_own() {
    let Some(image) = alpine("entering::user_directory_capabilities") else {
        return;
    };
    apart("user_directory_capabilities", || {
        let (_trial, running) = sleeper(&image);
        let script = "id -u; id -g; pwd; grep -E '^(CapEff|CapBnd|Seccomp):' /proc/self/status; \
                      cd /proc/self/fd; echo *";
        let mut trial = Trial::shell(&image, script);
        trial.user(1000, 7).process(|process| {
            process.set_cwd("/etc".into());
        });
        let (process, text) = enter(&running, &trial).unwrap();
        assert_eq!(reap(process.pidfd.as_fd()), 0);
        assert_eq!(
            text,
            "1000\n7\n/etc\nCapEff:\t0000000000000000\nCapBnd:\t00000000a80425fb\n\
             Seccomp:\t2\n0 1 2 3\n"
        );
        end(&running);
    });
}

#[test]
fn its_exit_code_is_its_own() {
    let Some(image) = alpine("entering::its_exit_code") else {
        return;
    };
    apart("its_exit_code", || {
        let (_trial, running) = sleeper(&image);
        let (process, _) = enter(&running, &Trial::shell(&image, "exit 7")).unwrap();
        assert_eq!(reap(process.pidfd.as_fd()), 7);
        let (process, _) = enter(&running, &Trial::shell(&image, "kill -9 $$")).unwrap();
        assert_eq!(reap(process.pidfd.as_fd()), 137);
        end(&running);
    });
}

#[test]
fn failures_have_dockers_texts() {
    let Some(image) = alpine("entering::failures_have_dockers_texts") else {
        return;
    };
    apart("failures_have_dockers_texts", || {
        let (_trial, running) = sleeper(&image);
        assert_eq!(
            refusal(&running, &Trial::new(&image, &["nosuch"])),
            (
                FailureKind::NotFound,
                "exec: \"nosuch\": executable file not found in $PATH".to_owned()
            )
        );
        assert_eq!(
            refusal(&running, &Trial::new(&image, &["/etc/passwd"])),
            (
                FailureKind::Denied,
                "exec: \"/etc/passwd\": permission denied".to_owned()
            )
        );
        let mut trial = Trial::new(&image, &["true"]);
        trial.process(|process| {
            process.set_cwd("/nosuch".into());
        });
        assert_eq!(
            refusal(&running, &trial).1,
            "chdir to cwd (\"/nosuch\") set in config.json failed: no such file or directory"
        );
        trial.process(|process| {
            process.set_cwd("rel".into());
        });
        assert_eq!(refusal(&running, &trial).1, "Cwd must be an absolute path");
        end(&running);
    });
}

#[test]
fn a_container_that_ended_is_not_entered() {
    let Some(image) = alpine("entering::a_container_that_ended") else {
        return;
    };
    apart("a_container_that_ended", || {
        let first = Trial::new(&image, &["true"]);
        let (running, out, err) = first.start();
        drop((read_all(out), read_all(err)));
        // Not reaped yet: its id is still its own.
        let trial = Trial::new(&image, &["true"]);
        loop {
            match enter(&running, &trial) {
                Ok((process, _)) => drop(reap(process.pidfd.as_fd())),
                Err(ExecError::NotRunning(pid)) => break assert_eq!(pid, running.pid),
                // It died while the other process was on its way in.
                Err(ExecError::Setup { .. } | ExecError::Process { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        reap(running.pidfd.as_fd());
        running.cgroup.delete().unwrap();
    });
}

#[test]
fn it_ends_with_the_container() {
    let Some(image) = alpine("entering::it_ends_with_the_container") else {
        return;
    };
    apart("it_ends_with_the_container", || {
        let (_trial, running) = sleeper(&image);
        let process = exec(ExecRequest {
            linux: None,
            state: None,
            pid: running.pid,
            cgroup: &running.cgroup,
            process: Trial::new(&image, &["sleep", "200"])
                .spec
                .process()
                .as_ref()
                .unwrap(),
            seccomp: None,
            stdio: Stdio::Fds {
                stdin: File::open("/dev/null").unwrap().into(),
                stdout: File::open("/dev/null").unwrap().into(),
                stderr: File::open("/dev/null").unwrap().into(),
            },
            no_new_keyring: false,
            preserved: 0,
        })
        .unwrap();
        let kill = rustix::process::Signal::KILL;
        rustix::process::pidfd_send_signal(&running.pidfd, kill).unwrap();
        assert_eq!(reap(process.pidfd.as_fd()), 137);
        end(&running);
    });
}
