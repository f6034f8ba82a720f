//! A container that waits for who enters it: its /proc, its terminals and its
//! files are not what they seem, and it looks at everybody who comes.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::Path;

use rbox_runtime::security::capabilities::{Capability, available, process_sets};
use rbox_runtime::{ExecError, ExecProcess, ExecRequest, Running, Stdio, exec};

use crate::support::{Trial, alpine, apart, attacker, end, enter, reap};

/// A container whose root has every capability and no filter, after `script`.
fn hostile(image: &Path, script: &str) -> (Trial, Running) {
    let script = format!("{script} && touch /prepared && exec sleep 100");
    let mut trial = Trial::shell(image, &script);
    let all: Vec<Capability> = available().into_iter().collect();
    trial.process(|process| {
        process.set_capabilities(Some(process_sets(&all, 0)));
    });
    trial.linux(|linux| {
        linux.set_seccomp(None);
    });
    let (running, _out, _err) = trial.start();
    while !fs::exists(trial.upper().join("prepared")).unwrap() {
        assert!(fs::exists(format!("/proc/{}/root/bin", running.pid)).unwrap());
        std::thread::yield_now();
    }
    (trial, running)
}

#[test]
fn a_false_proc_catches_no_setting() {
    let Some(image) = alpine("attacks_entering::a_false_proc") else {
        return;
    };
    apart("a_false_proc", || {
        let ways = [
            "mount -t tmpfs none /proc && mkdir -p /proc/1 && ln -s 1 /proc/self && \
             ln -s 1/task/1 /proc/thread-self && touch /proc/1/oom_score_adj",
            "mount --bind /proc/1/environ /proc/1/oom_score_adj",
            "umount -l /proc && rmdir /proc && ln -s /sys /proc",
            "mount --bind /proc/sys /proc",
        ];
        for way in ways {
            let (_trial, running) = hostile(&image, way);
            let mut trial = Trial::new(&image, &["sleep", "100"]);
            trial.process(|process| {
                process.set_oom_score_adj(Some(321));
            });
            let null = || {
                File::options()
                    .write(true)
                    .read(true)
                    .open("/dev/null")
                    .unwrap()
            };
            let stdio = Stdio::Fds {
                stdin: null().into(),
                stdout: null().into(),
                stderr: null().into(),
            };
            let process = trial.spec.process().as_ref().unwrap();
            let request = ExecRequest::new(running.pid, &running.cgroup, process, stdio);
            let entered = exec(request).unwrap_or_else(|error| panic!("{way}: {error}"));
            let score = fs::read_to_string(format!("/proc/{}/oom_score_adj", entered.pid)).unwrap();
            assert_eq!(score, "321\n", "{way}");
            rustix::process::pidfd_send_signal(&entered.pidfd, rustix::process::Signal::KILL)
                .unwrap();
            reap(entered.pidfd.as_fd());
            end(&running);
        }
    });
}

fn with_terminal(running: &Running, image: &Path) -> Result<ExecProcess, ExecError> {
    let trial = Trial::new(image, &["true"]);
    let stdio = Stdio::Terminal { rows: 0, cols: 0 };
    let process = trial.spec.process().as_ref().unwrap();
    exec(ExecRequest::new(
        running.pid,
        &running.cgroup,
        process,
        stdio,
    ))
}

#[test]
fn a_false_terminal_is_not_opened() {
    let Some(image) = alpine("attacks_entering::a_false_terminal") else {
        return;
    };
    apart("a_false_terminal", || {
        let ways = [
            "umount -l /dev/pts && mkfifo /dev/pts/ptmx",
            "umount -l /dev/pts && ln -s /dev/zero /dev/pts/ptmx",
            "umount -l /dev/pts && mknod /dev/pts/ptmx c 1 5",
            "umount -l /dev/pts && mknod /dev/pts/ptmx c 5 2",
            "mkfifo /tmp/f && mount --bind /tmp/f /dev/pts/ptmx",
            "mount --bind /dev/tty /dev/pts/ptmx",
            "mount --bind /dev/zero /dev/pts/ptmx",
            "umount -l /dev/pts && rmdir /dev/pts && ln -s /proc/1/fd /dev/pts",
        ];
        for way in ways {
            let (_trial, running) = hostile(&image, way);
            let error = with_terminal(&running, &image).map(|entered| {
                reap(entered.pidfd.as_fd());
            });
            let text = error.expect_err(way).to_string();
            assert!(text.starts_with("open /dev/pts/ptmx: "), "{way}: {text}");
            // What is mounted on it is not even opened.
            let opened = way.contains("--bind") && !text.contains("cross-device");
            assert!(!opened, "{way}: {text}");
            end(&running);
        }
    });
}

/// CVE-2016-9962: whoever enters is still the host's, with the host's
/// descriptors and directory.
#[test]
fn who_enters_is_not_looked_at() {
    let Some(image) = alpine("attacks_entering::who_enters_is_not_looked_at") else {
        return;
    };
    apart("who_enters_is_not_looked_at", || {
        let mut trial = attacker(&image, "watch who enters");
        let volume = trial.extra();
        trial.bind(&volume, "/volume", &[]);
        let program = std::env::current_exe().unwrap();
        fs::write(volume.join("outside"), program.to_str().unwrap()).unwrap();
        let (running, out, err) = trial.start();
        while !fs::exists(volume.join("watching")).unwrap() {
            std::thread::yield_now();
        }
        for round in 0..150 {
            let mut visitor = Trial::new(&image, &["true"]);
            if round % 2 == 1 {
                visitor.user(1000, 1000);
            }
            // It ends with the container, which ends when it has seen too much.
            let Ok((process, _)) = enter(&running, &visitor) else {
                break;
            };
            reap(process.pidfd.as_fd());
        }
        fs::write(volume.join("over"), "").unwrap();
        let (stdout, stderr) = (crate::support::read_all(out), crate::support::read_all(err));
        assert_eq!(reap(running.pidfd.as_fd()), 0, "{stdout}{stderr}");
        let seen: usize = fs::read_to_string(volume.join("seen"))
            .unwrap()
            .parse()
            .unwrap();
        assert!(seen > 0, "nobody was seen on the way in");
        running.cgroup.delete().unwrap();
    });
}
