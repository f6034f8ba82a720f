//! A container to be tried: docker's defaults on an overlay over Alpine.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use oci_spec::runtime::{Linux, Mount, Process, Spec};
use rbox_runtime::rootfs::overlay::{self, Writable};
use rbox_runtime::security::{capabilities, seccomp};
use rbox_runtime::spec::defaults;
use rbox_runtime::{CreateError, CreateRequest, Created, Running, Stdio, create};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{WaitId, WaitIdOptions, waitid};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A container's parts, to be changed before it runs.
pub struct Trial {
    pub spec: Spec,
    pub id: String,
    pub directory: tempfile::TempDir,
    /// Whether it is killed when the process that made it ends.
    pub dies_with_parent: bool,
    /// Whether the root is changed without pivot_root.
    pub no_pivot: bool,
    lower: Vec<PathBuf>,
    standard_root: bool,
    mapped_layers: bool,
}

/// What a program said and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub stdout: String,
    pub stderr: String,
    /// The exit code, or 128 and the signal.
    pub code: i32,
}

impl Trial {
    /// Docker's defaults for root, running `args` in the unpacked `image`.
    pub fn new(image: &Path, args: &[&str]) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let id = format!("rbox-test-{}-{number}", std::process::id());
        let directory = tempfile::tempdir().unwrap();
        for name in ["upper", "work", "extra"] {
            std::fs::create_dir(directory.path().join(name)).unwrap();
        }
        let mut trial = Self {
            spec: defaults::spec(false),
            id: id.clone(),
            directory,
            dies_with_parent: true,
            no_pivot: false,
            lower: vec![image.to_owned()],
            standard_root: true,
            mapped_layers: false,
        };
        trial.args(args);
        trial.process(|process| {
            process.set_capabilities(Some(capabilities::process_sets(&capabilities::DEFAULT, 0)));
        });
        trial.linux(|linux| {
            linux
                .set_cgroups_path(Some(PathBuf::from(format!("/{id}"))))
                .set_seccomp(Some(seccomp::default_profile(&capabilities::DEFAULT)));
        });
        trial
    }

    pub fn shell(image: &Path, script: &str) -> Self {
        Self::new(image, &["/bin/sh", "-c", script])
    }

    pub fn args(&mut self, args: &[&str]) -> &mut Self {
        let args: Vec<_> = args.iter().map(|&arg| arg.to_owned()).collect();
        self.process(|process| {
            process.set_args(Some(args));
        })
    }

    pub fn process(&mut self, change: impl FnOnce(&mut Process)) -> &mut Self {
        let mut process = self.spec.process().clone().unwrap();
        change(&mut process);
        self.spec.set_process(Some(process));
        self
    }

    pub fn linux(&mut self, change: impl FnOnce(&mut Linux)) -> &mut Self {
        let mut linux = self.spec.linux().clone().unwrap();
        change(&mut linux);
        self.spec.set_linux(Some(linux));
        self
    }

    pub fn user(&mut self, uid: u32, gid: u32) -> &mut Self {
        self.process(|process| {
            let sets = capabilities::process_sets(&capabilities::DEFAULT, uid);
            process.set_capabilities(Some(sets));
            process.user_mut().set_uid(uid).set_gid(gid);
        })
    }

    pub fn mount(&mut self, mount: Mount) -> &mut Self {
        self.spec.mounts_mut().get_or_insert_default().push(mount);
        self
    }

    pub fn bind(&mut self, source: &Path, destination: &str, options: &[&str]) -> &mut Self {
        let mut all = vec!["rbind"];
        all.extend(options);
        self.mount(defaults::mount(
            destination,
            "bind",
            source.to_str().unwrap(),
            &all,
        ))
    }

    /// A directory of the host, part of the trial.
    pub fn extra(&self) -> PathBuf {
        self.directory.path().join("extra")
    }

    /// What the container wrote.
    pub fn upper(&self) -> PathBuf {
        self.directory.path().join("upper")
    }

    /// Another layer on top of the image.
    pub fn layer(&mut self) -> PathBuf {
        let layer = self
            .directory
            .path()
            .join(format!("layer{}", self.lower.len()));
        std::fs::create_dir(&layer).unwrap();
        self.lower.push(layer.clone());
        layer
    }

    /// Uses the directory of the specification's `root.path` instead of an overlay.
    pub fn plain_root(&mut self) -> &mut Self {
        self.standard_root = false;
        self
    }

    /// Layers are seen with the owners that the configuration's mapping gives.
    pub fn map_layers(&mut self) -> &mut Self {
        self.mapped_layers = true;
        self
    }

    pub fn create(&self, stdio: Stdio) -> Result<Created, CreateError> {
        let rootfs = self.standard_root.then(|| self.overlay());
        create(CreateRequest {
            rootfs,
            die_with_parent: self.dies_with_parent,
            no_pivot: self.no_pivot,
            ..CreateRequest::new(&self.id, self.directory.path(), &self.spec, stdio)
        })
    }

    /// Its root: a detached overlay over the image.
    pub fn overlay(&self) -> OwnedFd {
        let work = self.directory.path().join("work");
        if !self.mapped_layers {
            return overlay::detached(&self.lower, &Writable::new(&self.upper(), &work)).unwrap();
        }
        let linux = self.spec.linux().as_ref().unwrap();
        let (uids, gids) = (linux.uid_mappings(), linux.gid_mappings());
        let (uids, gids) = (uids.as_ref().unwrap(), gids.as_ref().unwrap());
        overlay::detached_mapped(
            &self.lower,
            &Writable::new(&self.upper(), &work),
            uids,
            gids,
        )
        .unwrap()
    }

    /// Starts it with pipes; standard input is empty.
    pub fn start(&self) -> (Running, OwnedFd, OwnedFd) {
        let (created, out, err) = self.created();
        (
            created
                .start()
                .unwrap_or_else(|error| panic!("start: {error}")),
            out,
            err,
        )
    }

    /// Creates it with pipes for standard output and error.
    pub fn created(&self) -> (Created, OwnedFd, OwnedFd) {
        let ((out, stdout), (err, stderr)) = (pipe(), pipe());
        let stdin = File::open("/dev/null").unwrap().into();
        let created = self.create(Stdio::Fds {
            stdin,
            stdout,
            stderr,
        });
        (
            created.unwrap_or_else(|error| panic!("create: {error}")),
            out,
            err,
        )
    }

    /// Runs it to its end and checks that its cgroup goes.
    pub fn run(&self) -> Outcome {
        let (running, out, err) = self.start();
        let (stdout, stderr) = (read_all(out), read_all(err));
        let code = reap(running.pidfd.as_fd());
        running.cgroup.delete().unwrap();
        Outcome {
            stdout,
            stderr,
            code,
        }
    }

    /// As [`Self::run`] for a script that must succeed silently on stderr.
    pub fn output(&self) -> String {
        let outcome = self.run();
        assert_eq!(
            (outcome.stderr.as_str(), outcome.code),
            ("", 0),
            "{outcome:?}"
        );
        outcome.stdout
    }

    /// The text of the failure to create or start it.
    pub fn failure(&self) -> (rbox_runtime::FailureKind, String) {
        let stream = || OwnedFd::from(File::options().write(true).open("/dev/null").unwrap());
        let stdio = Stdio::Fds {
            stdin: stream(),
            stdout: stream(),
            stderr: stream(),
        };
        let mut created = match self.create(stdio) {
            Ok(created) => created,
            Err(error) => return (error.kind(), error.to_string()),
        };
        if let Err(error) = created.wait_ready() {
            return (error.kind(), error.to_string());
        }
        match created.start() {
            Ok(running) => {
                let code = reap(running.pidfd.as_fd());
                running.cgroup.delete().unwrap();
                panic!("it ran, and ended with {code}")
            }
            Err(error) => (error.kind(), error.to_string()),
        }
    }
}

pub fn pipe() -> (OwnedFd, OwnedFd) {
    pipe_with(PipeFlags::CLOEXEC).unwrap()
}

pub fn read_all(fd: OwnedFd) -> String {
    let mut text = String::new();
    File::from(fd).read_to_string(&mut text).unwrap();
    text
}

/// Waits for the end of a process: its exit code, or 128 and the signal.
pub fn reap(pidfd: BorrowedFd<'_>) -> i32 {
    let status = waitid(WaitId::PidFd(pidfd), WaitIdOptions::EXITED)
        .unwrap()
        .unwrap();
    status
        .exit_status()
        .or(status.terminating_signal().map(|signal| 128 + signal))
        .unwrap()
}
