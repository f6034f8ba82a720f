//! Which file a command names, found inside the container as its user.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{Access, AtFlags, CWD, FileType, accessat, stat};
use rustix::io::Errno;

use super::{Failure, FailureKind, reason};

/// The program, its arguments and its environment, ready for execve.
#[derive(Debug)]
pub(crate) struct Command {
    args: Vec<CString>,
    env: Vec<CString>,
    search: Vec<u8>,
}

impl Command {
    /// Strings with NUL bytes were refused by validation; here they are cut out.
    pub(crate) fn new(args: &[String], env: &[String]) -> Self {
        let search = env
            .iter()
            .rev()
            .find_map(|variable| variable.strip_prefix("PATH="));
        Self {
            search: search.unwrap_or_default().as_bytes().to_vec(),
            args: args.iter().map(|arg| c_string(arg)).collect(),
            env: env.iter().map(|variable| c_string(variable)).collect(),
        }
    }

    /// The strings for execve.
    pub(crate) fn strings(&self) -> (&[CString], &[CString]) {
        (&self.args, &self.env)
    }

    /// The file to execute: the name itself when it has a slash, else the
    /// first executable of that name on the container's search path.
    pub(crate) fn find(&self) -> Result<CString, Failure> {
        let name = self.args.first().map_or(&b""[..], |name| name.to_bytes());
        if name.contains(&b'/') {
            return match check(name) {
                Ok(()) => Ok(nul_terminated(name)),
                Err(error) => Err(denied_or_missing(name, &error)),
            };
        }
        if !name.is_empty() {
            for directory in self.search.split(|&byte| byte == b':') {
                let directory = if directory.is_empty() {
                    b"."
                } else {
                    directory
                };
                let candidate = [directory, b"/", name].concat();
                // A relative match would run whatever lies in the working
                // directory; Go's LookPath refuses it, too.
                if directory[0] == b'/' && check(&candidate).is_ok() {
                    return Ok(nul_terminated(&candidate));
                }
            }
        }
        let message = format!("exec: {}: executable file not found in $PATH", quoted(name));
        Err(Failure::new(FailureKind::NotFound, message))
    }
}

/// Why execve refused a file that had been found.
pub(crate) fn exec_failure(path: &CString, error: &io::Error) -> Failure {
    let path = String::from_utf8_lossy(path.to_bytes());
    Failure::new(
        FailureKind::of_exec(error),
        format!("exec {path}: {}", reason(error)),
    )
}

/// Whether this user may execute the file.
fn check(path: &[u8]) -> Result<(), Errno> {
    let stat = stat(OsStr::from_bytes(path))?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        return Err(Errno::ACCESS);
    }
    match accessat(
        CWD,
        OsStr::from_bytes(path),
        Access::EXEC_OK,
        AtFlags::EACCESS,
    ) {
        // Kernels before 5.8 have no such check; execve will tell.
        Err(Errno::NOSYS | Errno::PERM) if stat.st_mode & 0o111 != 0 => Ok(()),
        result => result,
    }
}

fn denied_or_missing(name: &[u8], error: &Errno) -> Failure {
    let error = io::Error::from(*error);
    let (kind, name, shown) = (
        FailureKind::of_exec(&error),
        quoted(name),
        String::from_utf8_lossy(name),
    );
    let message = match kind {
        FailureKind::Denied => format!("exec: {name}: permission denied"),
        _ => format!("exec: {name}: stat {shown}: {}", reason(&error)),
    };
    Failure::new(kind, message)
}

/// As Go's %q for the ordinary cases: control characters and quotes escaped.
fn quoted(name: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(name))
}

fn c_string(text: &str) -> CString {
    nul_terminated(text.as_bytes())
}

fn nul_terminated(bytes: &[u8]) -> CString {
    let bytes: Vec<u8> = bytes.iter().copied().filter(|&byte| byte != 0).collect();
    CString::new(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str, env: &[&str]) -> Result<String, Failure> {
        let env: Vec<_> = env.iter().map(|&variable| variable.to_owned()).collect();
        Command::new(&[name.to_owned()], &env)
            .find()
            .map(|path| path.into_string().unwrap())
    }

    fn text(name: &str) -> (FailureKind, String) {
        let failure = find(name, &["PATH=/usr/bin:/bin"]).unwrap_err();
        (failure.kind, failure.message)
    }

    #[test]
    fn missing_commands_read_as_dockers() {
        assert_eq!(
            text("nosuchcmd"),
            (
                FailureKind::NotFound,
                "exec: \"nosuchcmd\": executable file not found in $PATH".to_owned()
            )
        );
        assert_eq!(
            text("/no/such"),
            (
                FailureKind::NotFound,
                "exec: \"/no/such\": stat /no/such: no such file or directory".to_owned()
            )
        );
        assert_eq!(
            text(""),
            (
                FailureKind::NotFound,
                "exec: \"\": executable file not found in $PATH".to_owned()
            )
        );
    }

    #[test]
    fn directories_and_plain_files_are_denied() {
        let denied = |name: &str| {
            (
                FailureKind::Denied,
                format!("exec: \"{name}\": permission denied"),
            )
        };
        assert_eq!(text("/etc"), denied("/etc"));
        assert_eq!(text("/etc/passwd"), denied("/etc/passwd"));
    }

    #[test]
    fn the_last_path_variable_counts_and_relative_entries_do_not() {
        assert_eq!(
            find("sh", &["PATH=/nowhere", "PATH=/nowhere:/bin"]).unwrap(),
            "/bin/sh"
        );
        assert!(find("sh", &["PATH=/bin", "PATH=/nowhere"]).is_err());
        assert!(find("sh", &[]).is_err());
        assert!(find("Cargo.toml", &["PATH=:."]).is_err());
    }
}
