//! After many starts the machine is as before.

use std::time::{Duration, Instant};

use crate::support::{Trial, alpine, apart};

#[test]
fn fifty_containers_leave_no_mounts_cgroups_or_namespaces() {
    let Some(image) = alpine("leftovers::fifty_containers") else {
        return;
    };
    apart("fifty_containers", || {
        let state = || {
            let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
            let groups: Vec<_> = rbox_runtime::cgroup::hierarchies()
                .unwrap()
                .into_iter()
                .flat_map(|hierarchy| std::fs::read_dir(hierarchy.mount).unwrap())
                .map(|entry| entry.unwrap().path())
                .filter(|path| {
                    let own = format!("rbox-test-{}-", std::process::id());
                    path.file_name()
                        .is_some_and(|name| name.to_string_lossy().starts_with(&own))
                })
                .collect();
            (mounts, groups)
        };
        let before = state();
        let mut times: Vec<Duration> = (0..50)
            .map(|_| {
                let trial = Trial::new(&image, &["true"]);
                let begin = Instant::now();
                let (running, out, err) = trial.start();
                let time = begin.elapsed();
                drop((out, err));
                let code = crate::support::reap(std::os::fd::AsFd::as_fd(&running.pidfd));
                assert_eq!(code, 0);
                running.cgroup.delete().unwrap();
                time
            })
            .collect();
        times.sort();
        // For the reader; machines differ too much to assert it.
        let line = format!(
            "create to exec: median {:?}, least {:?}\n",
            times[25], times[0]
        );
        let _ = rustix::io::write(rustix::stdio::stderr(), line.as_bytes());
        assert_eq!(state(), before);
    });
}

#[test]
fn the_container_dies_with_its_parent() {
    let Some(image) = alpine("leftovers::the_container_dies_with_its_parent") else {
        return;
    };
    apart("the_container_dies_with_its_parent", || {
        let (told, tell) = crate::support::pipe();
        let trial = Trial::new(&image, &["sleep", "100"]);
        apart("the parent", || {
            let (running, out, err) = trial.start();
            rustix::io::write(&tell, &running.pid.to_le_bytes()).unwrap();
            // Killed, it could not clean up; leaving is as good.
            std::mem::forget((running, out, err));
            crate::support::leave();
        });
        drop(tell);
        let mut pid = [0; 4];
        rustix::io::read(&told, &mut pid).unwrap();
        let cgroup = rbox_runtime::cgroup::Cgroup::open(&format!("/{}", trial.id)).unwrap();
        // Waits for the processes to end, and fails if they do not.
        cgroup.delete().unwrap();
        let pid = i32::from_le_bytes(pid);
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
        assert!(status.is_err() || status.unwrap().contains("Z (zombie)"));
    });
}

/// What another process of ours sees of itself when executed through it.
fn execute_protected() {
    use std::os::fd::AsRawFd;
    let program = rbox_runtime::process::self_exe::protected().unwrap();
    let path = format!("/proc/self/fd/{}", program.as_raw_fd());
    let listed = std::process::Command::new(path)
        .arg("--list")
        .output()
        .unwrap();
    assert!(listed.status.success(), "{listed:?}");
    assert!(String::from_utf8_lossy(&listed.stdout).contains("our_own_program"));
}

#[test]
fn our_own_program_is_offered_behind_a_read_only_mount() {
    if !rustix::process::geteuid().is_root() {
        return crate::support::skip("leftovers::our_own_program_is_offered", "needs root");
    }
    let program = rbox_runtime::process::self_exe::protected().unwrap();
    let flags = rustix::fs::fstatvfs(&program).unwrap().f_flag;
    assert!(flags.contains(rustix::fs::StatVfsMountFlags::RDONLY));
    execute_protected();
}

#[test]
fn our_own_program_is_offered_as_a_copy_from_another_mount_namespace() {
    apart("our_own_program_is_offered_as_a_copy", execute_protected);
}
