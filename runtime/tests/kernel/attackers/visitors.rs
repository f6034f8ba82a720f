//! Processes that enter the container, looked at before they are its own.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::io::Errno;

use super::raw::call;

/// Looks at everybody until the file `over` is there. The program of a process
/// on its way in is the one that this is, as the host has it.
pub fn watch() {
    let ours = identity("/proc/self/exe").unwrap();
    let outside = fs::read_to_string("/volume/outside").unwrap();
    let mine = [1, std::process::id()];
    let mut seen = 0;
    fs::write("/volume/watching", "").unwrap();
    while !fs::exists("/volume/over").unwrap() {
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let name = entry.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            if mine.contains(&pid) {
                continue;
            }
            let path = |file: &str| format!("/proc/{pid}/{file}");
            let program = identity(&path("exe"));
            assert_ne!(
                program.as_ref().ok(),
                Some(&ours),
                "its program is open to us"
            );
            // Nothing can be told of it: it is on its way.
            if program.is_err_and(|error| error == Errno::ACCESS) {
                seen += 1;
            }
            for file in ["root", "cwd"] {
                let reached = fs::metadata(path(file) + &outside);
                assert!(reached.is_err(), "{file}: {reached:?}");
            }
            for entry in fs::read_dir(path("fd")).into_iter().flatten().flatten() {
                let target = fs::read_link(entry.path()).unwrap_or_default();
                let streams = ["", "/dev/null"].map(Path::new).contains(&&*target)
                    || target.to_string_lossy().starts_with("pipe:");
                assert!(streams, "{:?}: {target:?}", entry.path());
            }
            let environment = fs::read_to_string(path("environ")).unwrap_or_default();
            assert!(!environment.contains("CARGO"), "{environment}");
            attach(pid, &ours);
        }
    }
    fs::write("/volume/seen", seen.to_string()).unwrap();
}

/// Traces it, which is no harm once it is a program of the container.
fn attach(pid: u32, ours: &(u64, u64)) {
    let pid = pid as usize;
    if call(libc::SYS_ptrace, &[libc::PTRACE_SEIZE as usize, pid, 0, 0]).is_ok() {
        let program = identity(&format!("/proc/{pid}/exe"));
        assert_ne!(
            program.as_ref().ok(),
            Some(ours),
            "it was traced on its way in"
        );
        let _ = call(
            libc::SYS_ptrace,
            &[libc::PTRACE_INTERRUPT as usize, pid, 0, 0],
        );
        let _ = call(libc::SYS_wait4, &[pid, 0, libc::__WALL as usize, 0]);
        let _ = call(libc::SYS_ptrace, &[libc::PTRACE_DETACH as usize, pid, 0, 0]);
    }
}

fn identity(path: &str) -> Result<(u64, u64), Errno> {
    let metadata = fs::metadata(path).map_err(|error| Errno::from_io_error(&error).unwrap())?;
    Ok((metadata.dev(), metadata.ino()))
}
