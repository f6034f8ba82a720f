//! The operations of the specification on containers whose state is on disk.

use std::os::fd::AsFd;

use oci_spec::runtime::{Linux, LinuxNamespaceType};
use rbox_runtime::lifecycle::{
    Container, CreateError, CreateOptions, DeleteError, KillError, LoadError, Root, StartError,
    Status, Streams,
};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::PidfdFlags;

use crate::support::{Trial, alpine, apart, pipe, reap};

/// Options for a trial, on an overlay, with /dev/null as its streams.
pub fn options(trial: &Trial) -> CreateOptions {
    let null = || {
        let file = std::fs::File::options()
            .read(true)
            .write(true)
            .open("/dev/null");
        file.unwrap().into()
    };
    let mut options = CreateOptions::new(&trial.id, trial.directory.path(), trial.spec.clone());
    options.streams = Streams::Given([null(), null(), null()]);
    options.rootfs = Some(trial.overlay());
    options
}

/// Waits for the end of a container that is a child of this process, and reaps it.
pub fn ended(container: &Container) -> i32 {
    reap(container.pidfd().unwrap())
}

fn wait_stopped(container: &Container) {
    let pidfd = container.pidfd().unwrap();
    poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], None).unwrap();
}

fn root(trial: &Trial) -> Root {
    Root::new(&trial.extra().join("run"))
}

fn left(trial: &Trial) -> usize {
    std::fs::read_dir(trial.extra().join("run")).map_or(0, Iterator::count)
}

fn without_pid_namespace(linux: &mut Linux) {
    let mut namespaces = linux.namespaces().clone().unwrap();
    namespaces.retain(|namespace| namespace.typ() != LinuxNamespaceType::Pid);
    linux.set_namespaces(Some(namespaces));
}

#[test]
fn a_container_goes_through_all_states() {
    let Some(image) = alpine("lifecycle::a_container_goes_through_all_states") else {
        return;
    };
    apart("a_container_goes_through_all_states", || {
        let trial = Trial::new(&image, &["sleep", "100"]);
        let root = root(&trial);
        assert!(matches!(root.load(&trial.id), Err(LoadError::NotFound)));
        let container = root.create(options(&trial)).unwrap();
        let mode = |path: &std::path::Path| {
            std::os::unix::fs::MetadataExt::mode(&path.metadata().unwrap()) & 0o777
        };
        let run = trial.extra().join("run");
        assert_eq!((mode(&run), mode(&run.join(&trial.id))), (0o700, 0o700));
        assert_eq!(container.status(), Status::Created);
        assert!(matches!(
            container.delete(false),
            Err(DeleteError::NotStopped { .. })
        ));
        container.start().unwrap();
        assert_eq!(container.status(), Status::Running);
        assert!(matches!(container.start(), Err(StartError::Running)));
        let seen = root.load(&trial.id).unwrap();
        assert_eq!(
            (seen.pid(), seen.status()),
            (container.pid(), Status::Running)
        );
        assert_eq!(seen.processes(), [container.pid()]);
        seen.pause().unwrap();
        assert_eq!(seen.status(), Status::Paused);
        assert!(seen.pause().is_err());
        seen.resume().unwrap();
        assert_eq!(seen.status(), Status::Running);
        assert!(seen.resume().is_err());
        assert!(matches!(
            seen.delete(false),
            Err(DeleteError::NotStopped { .. })
        ));
        seen.kill(15, false).unwrap();
        // The first process of a pid namespace ignores what it has no handler for.
        assert_eq!(seen.status(), Status::Running);
        seen.kill(9, false).unwrap();
        wait_stopped(&seen);
        // Not reaped yet, and stopped all the same.
        assert_eq!((seen.status(), seen.pid()), (Status::Stopped, 0));
        assert!(matches!(container.start(), Err(StartError::Stopped)));
        assert!(matches!(seen.kill(15, false), Err(KillError::NotRunning)));
        seen.delete(false).unwrap();
        assert!(matches!(
            container.delete(true),
            Err(DeleteError::Load(LoadError::NotFound))
        ));
        assert_eq!((left(&trial), ended(&container)), (0, 128 + 9));
    });
}

#[test]
fn the_start_may_come_from_another_process_and_tells_why_it_failed() {
    let Some(image) = alpine("lifecycle::the_start_may_come") else {
        return;
    };
    apart("the_start_may_come", || {
        let trial = Trial::new(&image, &["/bin/busybox-of-another-machine"]);
        std::fs::write(trial.upper().join("garbage"), "\u{0}not a program").unwrap();
        let root = root(&trial);
        let error = root.create(options(&trial)).unwrap_err();
        assert!(
            error.to_string().ends_with("no such file or directory"),
            "{error}"
        );
        assert_eq!(left(&trial), 0);
        let mut trial = Trial::new(&image, &["/garbage"]);
        let file = trial.upper().join("garbage");
        std::fs::write(&file, "\u{0}not a program").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&file, mode).unwrap();
        trial.id += "-2";
        let container = root.create(options(&trial)).unwrap();
        let other = root.load(&trial.id).unwrap();
        let error = other.start().unwrap_err().to_string();
        assert_eq!(error, "exec /garbage: exec format error");
        ended(&container);
        assert_eq!(other.status(), Status::Stopped);
        other.delete(false).unwrap();
    });
}

#[test]
fn an_id_is_taken_until_its_container_is_deleted() {
    let Some(image) = alpine("lifecycle::an_id_is_taken") else {
        return;
    };
    apart("an_id_is_taken", || {
        let trial = Trial::new(&image, &["sleep", "100"]);
        let root = root(&trial);
        let container = root.create(options(&trial)).unwrap();
        let error = root.create(options(&trial)).unwrap_err();
        assert!(matches!(error, CreateError::Exists), "{error}");
        assert_eq!(container.status(), Status::Created);
        container.delete(true).unwrap();
        assert_eq!((ended(&container), left(&trial)), (128 + 9, 0));
        let container = root.create(options(&trial)).unwrap();
        container.delete(true).unwrap();
        ended(&container);
    });
}

#[test]
fn what_a_killed_create_leaves_is_seen_and_deleted() {
    let Some(image) = alpine("lifecycle::what_a_killed_create_leaves") else {
        return;
    };
    apart("what_a_killed_create_leaves", || {
        let trial = Trial::new(&image, &["sleep", "100"]);
        let directory = trial.extra().join("run").join("half");
        std::fs::create_dir_all(&directory).unwrap();
        let root = root(&trial);
        assert_eq!(root.list().unwrap().len(), 0);
        let half = root.load("half").unwrap();
        assert_eq!((half.status(), half.pid()), (Status::Stopped, 0));
        half.delete(true).unwrap();
        assert!(!directory.exists());
    });
}

#[test]
fn a_reused_process_id_is_nobody() {
    let Some(image) = alpine("lifecycle::a_reused_process_id") else {
        return;
    };
    apart("a_reused_process_id", || {
        let trial = Trial::new(&image, &["sleep", "100"]);
        let root = root(&trial);
        let container = root.create(options(&trial)).unwrap();
        let file = trial.extra().join("run").join(&trial.id).join("state.json");
        let text = std::fs::read_to_string(&file).unwrap();
        // Another process of that number: one that started long before.
        let own = "\"pid\":1".to_owned();
        let other = text.replace(&format!("\"pid\":{}", container.pid()), &own);
        assert_ne!(other, text);
        std::fs::write(&file, other).unwrap();
        let confused = root.load(&trial.id).unwrap();
        assert_eq!((confused.status(), confused.pid()), (Status::Stopped, 0));
        assert!(matches!(
            confused.kill(9, false),
            Err(KillError::NotRunning)
        ));
        confused.delete(false).unwrap();
        // The cgroup knew its process all the same.
        assert_eq!(ended(&container), 128 + 9);
    });
}

#[test]
fn a_signal_to_all_reaches_every_process() {
    let Some(image) = alpine("lifecycle::a_signal_to_all") else {
        return;
    };
    apart("a_signal_to_all", || {
        // Without a pid namespace of its own: no process is an init that ignores it.
        let mut trial = Trial::shell(&image, "sleep 100 & sleep 100 & echo up; exec sleep 100");
        trial.linux(without_pid_namespace);
        let (out, stdout) = pipe();
        let mut options = options(&trial);
        let null = || std::fs::File::open("/dev/null").unwrap().into();
        options.streams = Streams::Given([null(), stdout, null()]);
        let container = root(&trial).create(options).unwrap();
        container.start().unwrap();
        rustix::io::read(&out, &mut [0; 3]).unwrap();
        let all = container.processes();
        assert_eq!(all.len(), 3);
        let open = |pid: &i32| {
            let pid = rustix::process::Pid::from_raw(*pid).unwrap();
            rustix::process::pidfd_open(pid, PidfdFlags::empty()).unwrap()
        };
        let all: Vec<_> = all.iter().map(open).collect();
        container.kill(libc::SIGUSR1, true).unwrap();
        for process in &all {
            poll(&mut [PollFd::new(process, PollFlags::IN)], None).unwrap();
        }
        assert_eq!(ended(&container), 128 + libc::SIGUSR1);
        container.delete(false).unwrap();
        assert!(matches!(
            container.kill(9, true),
            Err(KillError::NotRunning)
        ));
    });
}

#[test]
fn deletion_takes_processes_along_that_outlive_the_first() {
    let Some(image) = alpine("lifecycle::deletion_takes_processes_along") else {
        return;
    };
    apart("deletion_takes_processes_along", || {
        // Without a pid namespace of its own nothing else ends them.
        let mut trial = Trial::shell(&image, "sleep 100 & exit 4");
        trial.linux(without_pid_namespace);
        let container = root(&trial).create(options(&trial)).unwrap();
        container.start().unwrap();
        assert_eq!(ended(&container), 4);
        let survivors = container.processes();
        assert_eq!(survivors.len(), 1);
        let pid = rustix::process::Pid::from_raw(survivors[0]).unwrap();
        let survivor = rustix::process::pidfd_open(pid, PidfdFlags::empty()).unwrap();
        container.delete(false).unwrap();
        let now = rustix::event::Timespec::default();
        let ended = poll(&mut [PollFd::new(&survivor, PollFlags::IN)], Some(&now));
        assert_eq!(ended.unwrap(), 1);
        assert_eq!(left(&trial), 0);
    });
}

#[test]
fn preserved_descriptors_arrive_and_no_others() {
    let Some(image) = alpine("lifecycle::preserved_descriptors_arrive") else {
        return;
    };
    apart("preserved_descriptors_arrive", || {
        let trial = Trial::shell(&image, "ls /proc/self/fd > /seen; cat <&4 >> /seen");
        let file = trial.extra().join("given");
        std::fs::write(&file, "given\n").unwrap();
        let opened = std::fs::File::open(&file).unwrap();
        let opened = rustix::io::fcntl_dupfd_cloexec(opened, 10).unwrap();
        // Numbers 3 and 4 are this process's own to give away.
        for number in [3, 4] {
            crate::support::place(opened.as_fd(), number);
        }
        let mut options = options(&trial);
        options.preserve_fds = 2;
        let container = root(&trial).create(options).unwrap();
        container.start().unwrap();
        assert_eq!(ended(&container), 0);
        container.delete(false).unwrap();
        let seen = std::fs::read_to_string(trial.upper().join("seen")).unwrap();
        // ls reads the directory as descriptor 5.
        assert_eq!(seen, "0\n1\n2\n3\n4\n5\ngiven\n");
        crate::support::close(3);
        crate::support::close(4);
        let mut options = self::options(&trial);
        options.preserve_fds = 90;
        let error = root(&trial).create(options).unwrap_err();
        assert!(matches!(error, CreateError::NotOpen(_)), "{error}");
    });
}

#[test]
fn without_a_pivot_the_root_is_the_containers_all_the_same() {
    let Some(image) = alpine("lifecycle::without_a_pivot") else {
        return;
    };
    apart("without_a_pivot", || {
        let trial = Trial::shell(&image, "cat /etc/alpine-release > /seen; ls / >> /seen");
        let mut options = options(&trial);
        options.no_pivot = true;
        let container = root(&trial).create(options).unwrap();
        container.start().unwrap();
        assert_eq!(ended(&container), 0);
        container.delete(false).unwrap();
        let seen = std::fs::read_to_string(trial.upper().join("seen")).unwrap();
        assert!(seen.starts_with("3."), "{seen}");
    });
}

#[test]
fn what_cannot_be_given_is_left_out_with_a_warning() {
    let Some(image) = alpine("lifecycle::what_cannot_be_given") else {
        return;
    };
    apart("what_cannot_be_given", || {
        // This process gives one up, as a nested one has to do without it.
        let audit = rustix::thread::CapabilitySet::AUDIT_CONTROL;
        rustix::thread::remove_capability_from_bounding_set(audit).unwrap();
        let mut trial = Trial::shell(&image, "grep ^CapBnd /proc/self/status > /seen");
        trial.process(|process| {
            use rbox_runtime::security::capabilities::{Capability, process_sets};
            let asked = [Capability::Chown, Capability::AuditControl];
            process.set_capabilities(Some(process_sets(&asked, 0)));
        });
        let container = root(&trial).create(options(&trial)).unwrap();
        assert_eq!(
            container.take_warnings(),
            ["ignoring unknown or unavailable capabilities: [CAP_AUDIT_CONTROL]"]
        );
        container.start().unwrap();
        assert_eq!(ended(&container), 0);
        container.delete(false).unwrap();
        let seen = std::fs::read_to_string(trial.upper().join("seen")).unwrap();
        assert_eq!(seen, "CapBnd:\t0000000000000001\n");
    });
}

#[test]
fn the_standard_devices_are_usable_whatever_the_list() {
    let Some(image) = alpine("lifecycle::the_standard_devices") else {
        return;
    };
    apart("the_standard_devices", || {
        let script = "echo x > /dev/null && head -c 1 /dev/zero > /seen && : < /dev/ptmx && \
                      mknod /sda b 8 0 && ! head -c 1 /sda";
        let mut trial = Trial::shell(&image, script);
        trial.linux(|linux| {
            let mut resources = linux.resources().clone().unwrap_or_default();
            let deny = rbox_runtime::spec::defaults::device_rule(false, None, None, None, "rwm");
            resources.set_devices(Some(vec![deny]));
            linux.set_resources(Some(resources));
        });
        let container = root(&trial).create(options(&trial)).unwrap();
        container.start().unwrap();
        assert_eq!(ended(&container), 0);
        container.delete(false).unwrap();
    });
}

#[test]
fn without_systemd_its_groups_are_refused_before_anything_is_made() {
    let Some(image) = alpine("lifecycle::without_systemd") else {
        return;
    };
    if std::path::Path::new("/run/systemd/system").exists() {
        return crate::support::skip("lifecycle::without_systemd", "systemd is running");
    }
    apart("without_systemd", || {
        let trial = Trial::new(&image, &["true"]);
        let mut options = options(&trial);
        options.systemd_cgroup = true;
        let error = root(&trial).create(options).unwrap_err().to_string();
        assert!(error.contains("systemd"), "{error}");
        assert_eq!(left(&trial), 0);
    });
}

#[test]
fn with_systemd_a_container_is_a_scope() {
    let Some(image) = alpine("lifecycle::with_systemd") else {
        return;
    };
    if !std::path::Path::new("/run/systemd/private").exists() {
        return crate::support::skip("lifecycle::with_systemd", "systemd is not running");
    }
    apart("with_systemd", || {
        let mut trial = Trial::shell(&image, "cat /proc/self/cgroup > /seen");
        trial.linux(|linux| {
            let asked = format!("system.slice:rbox:{}", std::process::id());
            linux.set_cgroups_path(Some(asked.into()));
            let mut namespaces = linux.namespaces().clone().unwrap();
            namespaces.retain(|n| n.typ() != LinuxNamespaceType::Cgroup);
            linux.set_namespaces(Some(namespaces));
        });
        let mut options = options(&trial);
        options.systemd_cgroup = true;
        let container = root(&trial).create(options).unwrap();
        let cgroup = container.cgroup().unwrap();
        let path = format!("/system.slice/rbox-{}.scope", std::process::id());
        assert_eq!(
            (cgroup.path(), cgroup.processes()),
            (path.as_str(), vec![container.pid()])
        );
        container.start().unwrap();
        assert_eq!(ended(&container), 0);
        container.delete(false).unwrap();
        assert!(container.cgroup().is_none());
        let seen = std::fs::read_to_string(trial.upper().join("seen")).unwrap();
        assert!(seen.contains(&path), "{seen}");
    });
}
