//! Programs, their arguments, environment, directory and end.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;

use rbox_runtime::Stdio;

use crate::support::{Trial, alpine, apart, pipe, read_all, reap};

#[test]
fn exit_codes_and_signals_arrive() {
    let Some(image) = alpine("programs::exit_codes_and_signals_arrive") else {
        return;
    };
    apart("exit_codes_and_signals_arrive", || {
        assert_eq!(Trial::new(&image, &["true"]).run().code, 0);
        assert_eq!(Trial::new(&image, &["/bin/false"]).run().code, 1);
        assert_eq!(Trial::shell(&image, "exit 42").run().code, 42);
        let first = Trial::new(&image, &["sleep", "100"]);
        let (running, out, err) = first.start();
        rustix::process::pidfd_send_signal(&running.pidfd, rustix::process::Signal::KILL).unwrap();
        assert_eq!(reap(running.pidfd.as_fd()), 137);
        running.cgroup.delete().unwrap();
        drop((out, err));
    });
}

#[test]
fn the_streams_are_the_callers() {
    let Some(image) = alpine("programs::the_streams_are_the_callers") else {
        return;
    };
    apart("the_streams_are_the_callers", || {
        let trial = Trial::shell(&image, "cat; echo err >&2");
        let ((stdin, input), (out, stdout), (err, stderr)) = (pipe(), pipe(), pipe());
        let created = trial
            .create(Stdio::Fds {
                stdin,
                stdout,
                stderr,
            })
            .unwrap();
        let running = created.start().unwrap();
        File::from(input).write_all(b"hello\n").unwrap();
        assert_eq!(
            (read_all(out), read_all(err)),
            ("hello\n".into(), "err\n".into())
        );
        assert_eq!(reap(running.pidfd.as_fd()), 0);
        running.cgroup.delete().unwrap();
    });
}

#[test]
fn the_environment_is_what_was_asked_for_and_nothing_else() {
    let Some(image) = alpine("programs::the_environment_is_what_was_asked_for") else {
        return;
    };
    apart("the_environment_is_what_was_asked_for", || {
        let mut trial = Trial::new(&image, &["env"]);
        trial.process(|process| {
            process.set_env(Some(vec!["PATH=/usr/bin:/bin".into(), "A B=1".into()]));
        });
        assert_eq!(trial.output(), "PATH=/usr/bin:/bin\nA B=1\n");
    });
}

#[test]
fn a_missing_working_directory_is_made_for_root_even_if_the_user_is_another() {
    let Some(image) = alpine("programs::a_missing_working_directory_is_made") else {
        return;
    };
    apart("a_missing_working_directory_is_made", || {
        let mut trial = Trial::shell(&image, "pwd; stat -c '%a %u:%g' /new/dir; id -u");
        trial.user(1000, 1000).process(|process| {
            process.set_cwd("/new/dir".into());
        });
        assert_eq!(trial.output(), "/new/dir\n755 0:0\n1000\n");
    });
}

#[test]
fn a_directory_that_only_root_may_enter_can_be_the_working_directory() {
    let Some(image) = alpine("programs::a_directory_that_only_root_may_enter") else {
        return;
    };
    apart("a_directory_that_only_root_may_enter", || {
        let mut trial = Trial::new(&image, &["/bin/busybox", "true"]);
        trial.user(1000, 1000).process(|process| {
            process.set_cwd("/root".into());
        });
        assert_eq!(trial.run().code, 0);
    });
}

#[test]
fn nothing_of_the_caller_leaks_in() {
    let Some(image) = alpine("programs::nothing_of_the_caller_leaks_in") else {
        return;
    };
    apart("nothing_of_the_caller_leaks_in", || {
        // Not closed on exec, and at a number far away.
        let file = File::open("/etc").unwrap();
        let leak = rustix::io::dup(&file).unwrap();
        rustix::io::fcntl_setfd(&leak, rustix::io::FdFlags::empty()).unwrap();
        let trial = Trial::shell(
            &image,
            "cd /proc/self/fd && echo *; grep -E 'SigIgn|SigBlk' /proc/self/status; umask; \
             cat /proc/self/oom_score_adj; cut -d' ' -f 5,6 /proc/self/stat",
        );
        let output = trial.output();
        let lines: Vec<_> = output.lines().collect();
        // A shell that globs has the directory open as well.
        assert_eq!(lines[0], "0 1 2 3");
        assert_eq!(lines[1], "SigBlk:\t0000000000000000");
        assert_eq!(lines[2], "SigIgn:\t0000000000000000");
        assert_eq!(lines[3], "0022");
        assert_eq!(lines[4], "0");
        assert_eq!(lines[5], "1 1", "process group and session are its own");
    });
}

#[test]
fn a_program_without_interpreter_line_or_with_a_missing_one_is_told_apart() {
    let Some(image) = alpine("programs::a_missing_interpreter") else {
        return;
    };
    apart("a_missing_interpreter", || {
        use rbox_runtime::FailureKind::{Denied, NotFound};
        let mut trial = Trial::new(&image, &["/script"]);
        let layer = trial.layer();
        let write = |name: &str, text: &str| {
            let path = layer.join(name);
            std::fs::write(&path, text).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(&path, mode).unwrap();
        };
        write("script", "#!/no/such\n");
        write("garbage", "garbage");
        assert_eq!(
            trial.failure(),
            (
                NotFound,
                "exec /script: no such file or directory".to_owned()
            )
        );
        trial.args(&["/garbage"]);
        assert_eq!(
            trial.failure(),
            (Denied, "exec /garbage: exec format error".to_owned())
        );
    });
}
