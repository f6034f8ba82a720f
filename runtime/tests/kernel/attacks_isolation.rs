//! What containers of one host could share: memory, queues, terminals.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};

use rbox_runtime::Stdio;

use crate::support::{Trial, alpine, apart, attacker, end, reap};

#[test]
fn memory_and_queues_of_another_container_are_not_found() {
    let Some(image) = alpine("attacks_isolation::memory_and_queues") else {
        return;
    };
    apart("memory_and_queues", || {
        let mut first = attacker(&image, "leave something in shared memory");
        let volume = first.extra();
        first.bind(&volume, "/volume", &[]);
        let (running, out, err) = first.start();
        while !fs::exists(volume.join("left")).unwrap() {
            std::thread::yield_now();
        }
        attacker(&image, "find something in shared memory").withstands();
        // It is there: the same search in the first one's namespaces succeeds.
        fs::write(volume.join("search"), "").unwrap();
        let (stdout, stderr) = (crate::support::read_all(out), crate::support::read_all(err));
        assert_eq!(reap(running.pidfd.as_fd()), 0, "{stdout}{stderr}");
        running.cgroup.delete().unwrap();
    });
}

#[test]
fn terminals_of_others_have_no_name_inside() {
    let Some(image) = alpine("attacks_isolation::terminals_of_others") else {
        return;
    };
    apart("terminals_of_others", || {
        let first = Trial::new(&image, &["sleep", "100"]);
        let mut created = first.create(Stdio::Terminal { rows: 0, cols: 0 }).unwrap();
        created.wait_ready().unwrap();
        let master = created.take_console().unwrap();
        let running = created.start().unwrap();
        let second = Trial::shell(&image, "ls /dev/pts; test ! -e /dev/console && echo none");
        assert_eq!(second.output(), "ptmx\nnone\n");
        end(&running);
        drop(master);
    });
}

/// A terminal of the host as standard input, and a container that types into it.
#[test]
fn nothing_is_typed_into_a_terminal_of_the_host() {
    let Some(image) = alpine("attacks_isolation::nothing_is_typed") else {
        return;
    };
    apart("nothing_is_typed", || {
        use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let slave = || -> OwnedFd { ioctl_tiocgptpeer(&master, flags).unwrap() };
        let (stdin, ours) = (slave(), slave());
        rustix::io::ioctl_fionbio(&ours, true).unwrap();
        let trial = attacker(&image, "type into standard input");
        let (out, stdout) = crate::support::pipe();
        let (err, stderr) = crate::support::pipe();
        let created = trial.create(Stdio::Fds {
            stdin,
            stdout,
            stderr,
        });
        let running = created.unwrap().start().unwrap();
        let (stdout, stderr) = (crate::support::read_all(out), crate::support::read_all(err));
        assert_eq!(reap(running.pidfd.as_fd()), 0, "{stdout}{stderr}");
        running.cgroup.delete().unwrap();
        let typed = rustix::io::read(&ours, &mut [0_u8; 16]);
        assert_eq!(typed, Err(rustix::io::Errno::AGAIN));
    });
}

/// Who has the master side reads and types what it likes.
#[test]
fn the_masters_side_of_a_terminal_stays_outside() {
    let Some(image) = alpine("attacks_isolation::the_masters_side") else {
        return;
    };
    apart("the_masters_side", || {
        use std::io::Read;
        let script = "for f in /proc/1/fd/*; do readlink $f; done | sort -u; \
                      stat -c '%t,%T' -L /proc/1/fd/0; : > /dev/tty && echo opened";
        let trial = Trial::shell(&image, script);
        let created = trial.create(Stdio::Terminal { rows: 0, cols: 0 });
        let mut created = created.unwrap();
        created.wait_ready().unwrap();
        let master = created.take_console().unwrap();
        let running = created.start().unwrap();
        let mut bytes = Vec::new();
        // The end of a terminal reads as an input/output error.
        let _ = fs::File::from(master).read_to_end(&mut bytes);
        assert_eq!(reap(running.pidfd.as_fd()), 0);
        running.cgroup.delete().unwrap();
        let text = String::from_utf8(bytes).unwrap().replace('\r', "");
        assert_eq!(text, "/dev/pts/0\n88,0\nopened\n");
    });
}
