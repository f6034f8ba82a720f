//! Descriptors of the host as a way out: CVE-2024-21626.

use std::fs::{self, File};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::Path;

use rbox_runtime::{ExecRequest, Stdio, exec};
use rustix::io::{FdFlags, fcntl_setfd};

use crate::support::{Trial, alpine, apart, end, enter, reap, sleeper};

/// Directories of the host that are not closed on exec, far and near.
fn leaks() -> Vec<OwnedFd> {
    let leak = |minimum| {
        let directory = File::open("/etc").unwrap();
        let copy = rustix::io::fcntl_dupfd_cloexec(&directory, minimum).unwrap();
        fcntl_setfd(&copy, FdFlags::empty()).unwrap();
        copy
    };
    [5, 9, 20, 100, 900].map(leak).into()
}

fn in_directory(image: &Path, directory: &str) -> Trial {
    let mut trial = Trial::shell(image, "cat ../../../../../../etc/hostname; pwd");
    trial.process(|process| {
        process.set_cwd(directory.into());
    });
    trial
}

#[test]
fn no_descriptor_is_a_working_directory_of_a_new_container() {
    let Some(image) = alpine("attacks_descriptors::working_directory_of_a_new") else {
        return;
    };
    apart("working_directory_of_a_new", || {
        let leaks = leaks();
        for number in (0..25).chain([100, 900]) {
            let mut directory = format!("/proc/self/fd/{number}");
            if number % 3 == 1 {
                directory.push_str("/..");
            }
            let text = in_directory(&image, &directory).failure().1;
            assert!(
                text.contains(&format!("/proc/self/fd/{number}")),
                "{number}: {text}"
            );
        }
        drop(leaks);
    });
}

#[test]
fn no_descriptor_is_a_working_directory_of_a_later_process() {
    let Some(image) = alpine("attacks_descriptors::working_directory_of_a_later") else {
        return;
    };
    apart("working_directory_of_a_later", || {
        let leaks = leaks();
        let mut trial = Trial::new(&image, &["sleep", "100"]);
        for number in 3..40 {
            let link = trial.upper().join(format!("way{number}"));
            symlink(format!("/proc/self/fd/{number}"), link).unwrap();
        }
        trial.process(|_| ());
        let (running, _out, _err) = trial.start();
        for number in (0..40).chain([100, 900]) {
            let mut directories = vec![format!("/proc/self/fd/{number}")];
            directories.push(format!("/proc/thread-self/fd/{number}"));
            if (3..40).contains(&number) {
                directories.push(format!("/way{number}"));
            }
            for directory in directories {
                let error = enter(&running, &in_directory(&image, &directory)).map(drop);
                let text = error.unwrap_err().to_string();
                assert!(text.starts_with("chdir to cwd"), "{directory}: {text}");
            }
        }
        end(&running);
        drop(leaks);
    });
}

#[test]
fn a_stream_that_is_a_directory_of_the_host_is_no_working_directory() {
    let Some(image) = alpine("attacks_descriptors::a_stream_that_is_a_directory") else {
        return;
    };
    apart("a_stream_that_is_a_directory", || {
        let (_trial, running) = sleeper(&image);
        let trial = in_directory(&image, "/proc/self/fd/0");
        let null = || OwnedFd::from(File::options().write(true).open("/dev/null").unwrap());
        let stdio = Stdio::Fds {
            stdin: File::open("/etc").unwrap().into(),
            stdout: null(),
            stderr: null(),
        };
        let process = trial.spec.process().as_ref().unwrap();
        let request = ExecRequest::new(running.pid, &running.cgroup, process, stdio);
        let executed = exec(request);
        let text = executed.map(drop).unwrap_err().to_string();
        assert!(
            text.contains("possible container breakout detected"),
            "{text}"
        );
        end(&running);
    });
}

#[test]
fn a_working_directory_that_was_removed_is_an_error() {
    let Some(image) = alpine("attacks_descriptors::a_directory_that_was_removed") else {
        return;
    };
    apart("a_directory_that_was_removed", || {
        let trial = Trial::shell(
            &image,
            "mkdir /gone && cd /gone && rmdir /gone && exec sleep 100",
        );
        let (running, _out, _err) = trial.start();
        // The first process stays in it; the name leads there.
        while fs::exists(format!("/proc/{}/root/gone", running.pid)).unwrap()
            || !fs::read_to_string(format!("/proc/{}/comm", running.pid))
                .unwrap()
                .starts_with("sleep")
        {
            std::thread::yield_now();
        }
        for directory in ["/proc/1/cwd", "/gone"] {
            let error = enter(&running, &in_directory(&image, directory)).map(drop);
            let text = error.unwrap_err().to_string();
            let refused = text.contains("breakout") || text.starts_with("chdir to cwd");
            assert!(refused, "{directory}: {text}");
        }
        end(&running);
    });
}

#[test]
fn no_descriptor_is_a_way_to_a_program_or_a_file() {
    let Some(image) = alpine("attacks_descriptors::a_way_to_a_program") else {
        return;
    };
    apart("a_way_to_a_program", || {
        let leaks = leaks();
        let (_trial, running) = sleeper(&image);
        for number in (3..40).chain([100, 900]) {
            let program = format!("/proc/self/fd/{number}/../bin/sh");
            let (_, text) = Trial::new(&image, &[&program]).failure();
            assert!(text.starts_with("exec: "), "{text}");
            let error = enter(&running, &Trial::new(&image, &[&program])).map(drop);
            assert!(error.unwrap_err().to_string().starts_with("exec: "));
        }
        let script = "for n in 3 4 5 6 7 8 9 20 100 900; do \
                      test -e /proc/self/fd/$n/hostname && echo $n; done; echo done";
        assert_eq!(Trial::shell(&image, script).output(), "done\n");
        let (process, text) = enter(&running, &Trial::shell(&image, script)).unwrap();
        assert_eq!((reap(process.pidfd.as_fd()), text.as_str()), (0, "done\n"));
        end(&running);
        drop(leaks);
    });
}

/// Between its creation and its start a container can be looked at by whoever
/// shares its process numbers.
#[test]
fn a_container_that_waits_has_nothing_open_but_its_streams() {
    let Some(image) = alpine("attacks_descriptors::a_container_that_waits") else {
        return;
    };
    apart("a_container_that_waits", || {
        let leaks = leaks();
        let trial = Trial::new(&image, &["true"]);
        let (mut created, out, err) = trial.created();
        created.wait_ready().unwrap();
        let open: Vec<_> = fs::read_dir(format!("/proc/{}/fd", created.pid()))
            .unwrap()
            .map(|entry| fs::read_link(entry.unwrap().path()).unwrap())
            .map(|target| target.to_string_lossy().into_owned())
            .collect();
        let kinds = |start: &str| open.iter().filter(|name| name.starts_with(start)).count();
        assert_eq!(open.len(), 4, "{open:?}");
        assert_eq!((kinds("pipe:"), kinds("socket:")), (2, 1), "{open:?}");
        let directory = fs::read_link(format!("/proc/{}/cwd", created.pid())).unwrap();
        assert_eq!(directory, Path::new("/"));
        drop((created, out, err, leaks));
    });
}
