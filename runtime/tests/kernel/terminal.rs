//! Terminals.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

use rbox_runtime::{ExecRequest, Stdio, exec};

use crate::support::{Trial, alpine, apart, reap};

/// All that comes out of a terminal until its last user is gone.
fn read_terminal(master: OwnedFd) -> String {
    let mut bytes = Vec::new();
    // The end of a terminal reads as an input/output error.
    let _ = File::from(master).read_to_end(&mut bytes);
    String::from_utf8(bytes).unwrap().replace('\r', "")
}

#[test]
fn a_terminal_is_the_containers_own_with_console_and_size() {
    let Some(image) = alpine("terminal::a_terminal_is_the_containers_own") else {
        return;
    };
    apart("a_terminal_is_the_containers_own", || {
        let script = "tty; stty size; ls -l /dev/console | cut -c1-10; grep console /proc/mounts; \
                      stat -c %u /dev/pts/0; cut -d' ' -f 7,8 /proc/self/stat; echo x > /dev/tty";
        let mut trial = Trial::shell(&image, script);
        trial.user(1000, 1000);
        let mut created = trial
            .create(Stdio::Terminal {
                rows: 30,
                cols: 100,
            })
            .unwrap();
        created.wait_ready().unwrap();
        let master = created.take_console().unwrap();
        assert!(created.take_console().is_none());
        let running = created.start().unwrap();
        assert_eq!(
            read_terminal(master),
            "/dev/pts/0\n30 100\ncrw--w----\n\
             devpts /dev/console devpts rw,nosuid,noexec,relatime,gid=5,mode=620,ptmxmode=666 0 0\n\
             1000\n34816 1\nx\n"
        );
        assert_eq!(reap(running.pidfd.as_fd()), 0);
        running.cgroup.delete().unwrap();
    });
}

#[test]
fn a_later_process_gets_a_terminal_of_the_container_too() {
    let Some(image) = alpine("terminal::a_later_process_gets_a_terminal") else {
        return;
    };
    apart("a_later_process_gets_a_terminal", || {
        let first = Trial::new(&image, &["sleep", "100"]);
        let (running, out, err) = first.start();
        let process = Trial::shell(&image, "tty; stty size; echo x > /dev/tty");
        let executed = exec(ExecRequest {
            linux: None,
            state: None,
            pid: running.pid,
            cgroup: &running.cgroup,
            process: process.spec.process().as_ref().unwrap(),
            seccomp: None,
            stdio: Stdio::Terminal { rows: 5, cols: 6 },
            no_new_keyring: false,
            preserved: 0,
        })
        .unwrap();
        assert_eq!(
            read_terminal(executed.console.unwrap()),
            "/dev/pts/0\n5 6\nx\n"
        );
        assert_eq!(reap(executed.pidfd.as_fd()), 0);
        running.cgroup.kill_all().unwrap();
        reap(running.pidfd.as_fd());
        running.cgroup.delete().unwrap();
        drop((out, err));
    });
}
