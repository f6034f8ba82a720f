//! Kernel parameters under /proc/sys.
//!
//! `net.*` keys are those of the calling thread's network namespace: enter the sandbox
//! ([`super::netns::enter`]) and write there. A file opened once keeps its namespace.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

use super::netlink::Forwarding;

/// A parameter could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SysctlError {
    /// The key is not one: empty parts, `..`, or a leading slash.
    #[error("invalid sysctl name {0:?}")]
    Name(String),
    /// The kernel refuses, or has no such parameter.
    #[error("{verb} sysctl {key}: {source}")]
    Access {
        /// `read` or `set`.
        verb: &'static str,
        /// The key as given.
        key: String,
        /// Why.
        source: io::Error,
    },
}

impl SysctlError {
    /// The kernel has no such parameter (a module is not loaded, IPv6 is compiled out).
    pub fn is_missing(&self) -> bool {
        matches!(self, SysctlError::Access { source, .. }
            if source.kind() == io::ErrorKind::NotFound)
    }
}

/// Writes a parameter: `write("net.ipv4.ip_forward", "1")`. As sysctl(8), a key is separated by
/// dots, or by slashes when a part has dots itself (`net/ipv4/conf/eth0.5/forwarding`).
///
/// # Errors
/// See [`SysctlError`].
pub fn write(key: &str, value: &str) -> Result<(), SysctlError> {
    write_below(None, key, value)
}

/// Reads a parameter, without the line's end.
///
/// # Errors
/// See [`SysctlError`].
pub fn read(key: &str) -> Result<String, SysctlError> {
    read_below(None, key)
}

/// Writes a parameter unless it has the value; true when it was written. For parameters whose
/// writing has side effects or wakes others.
///
/// # Errors
/// See [`SysctlError`].
pub fn ensure(key: &str, value: &str) -> Result<bool, SysctlError> {
    ensure_below(None, key, value)
}

/// The parameters of sandboxes that are new, by a proc of our own that is mounted nowhere.
///
/// In the one at /proc every network namespace that was ever looked into has an `ipv4` and an
/// `ipv6` side by side, and the kernel goes through all of them, twice, to find that a new one has
/// none yet. This one knows no other. It is made when it is needed; where that is not permitted
/// /proc takes its place. Closing it waits for the kernel; keep it while somebody waits.
#[derive(Debug, Default)]
pub struct OwnProc(OnceLock<Option<OwnedFd>>);

impl OwnProc {
    /// As [`write`].
    ///
    /// # Errors
    /// See [`SysctlError`].
    pub fn write(&self, key: &str, value: &str) -> Result<(), SysctlError> {
        write_below(self.root(), key, value)
    }

    /// As [`ensure`].
    ///
    /// # Errors
    /// See [`SysctlError`].
    pub fn ensure(&self, key: &str, value: &str) -> Result<bool, SysctlError> {
        ensure_below(self.root(), key, value)
    }

    fn root(&self) -> Option<BorrowedFd<'_>> {
        let made = self.0.get_or_init(|| mounted_nowhere().ok());
        made.as_ref().map(OwnedFd::as_fd)
    }
}

fn mounted_nowhere() -> io::Result<OwnedFd> {
    let context = fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    let harmless = MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    Ok(fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, harmless)?)
}

fn write_below(proc: Option<BorrowedFd<'_>>, key: &str, value: &str) -> Result<(), SysctlError> {
    // Not one that makes it where it is missing: for that the kernel would lock the directory.
    let path = path(key)?;
    open_below(proc, &path, OFlags::WRONLY)
        .and_then(|mut file| file.write_all(value.as_bytes()))
        .map_err(|source| access("set", key, source))
}

fn read_below(proc: Option<BorrowedFd<'_>>, key: &str) -> Result<String, SysctlError> {
    let path = path(key)?;
    let mut value = String::new();
    open_below(proc, &path, OFlags::RDONLY)
        .and_then(|mut file| file.read_to_string(&mut value))
        .map_err(|source| access("read", key, source))?;
    value.truncate(value.trim_end().len());
    Ok(value)
}

fn ensure_below(proc: Option<BorrowedFd<'_>>, key: &str, value: &str) -> Result<bool, SysctlError> {
    if read_below(proc, key)? == value {
        return Ok(false);
    }
    write_below(proc, key, value)?;
    Ok(true)
}

/// Opens a parameter's file, of the proc at /proc where no other is given.
fn open_below(proc: Option<BorrowedFd<'_>>, path: &Path, flags: OFlags) -> io::Result<File> {
    let flags = flags | OFlags::CLOEXEC;
    let file = match proc {
        Some(proc) => openat(proc, path, flags, Mode::empty())?,
        None => openat(CWD, Path::new("/proc").join(path), flags, Mode::empty())?,
    };
    Ok(file.into())
}

fn access(verb: &'static str, key: &str, source: io::Error) -> SysctlError {
    SysctlError::Access {
        verb,
        key: key.to_owned(),
        source,
    }
}

/// Turns packet forwarding on in the current network namespace, IPv4 and, when asked, IPv6.
/// Nothing is written where it is on; where that is `known`, nothing is read either.
///
/// # Errors
/// See [`SysctlError`].
pub fn ensure_forwarding(known: Forwarding, ipv6: bool) -> Result<(), SysctlError> {
    if known.ipv4 != Some(true) {
        ensure("net.ipv4.ip_forward", "1")?;
    }
    if ipv6 && known.ipv6 != Some(true) {
        ensure("net.ipv6.conf.all.forwarding", "1")?;
    }
    Ok(())
}

/// Frames within bridges pass the firewall in the current network namespace (br_netfilter with
/// `bridge-nf-call-iptables`). Then a container reaches its own published port only through a
/// bridge port in hairpin mode.
///
/// # Errors
/// See [`SysctlError`]; a kernel without br_netfilter is no error.
pub fn bridge_frames_filtered() -> Result<bool, SysctlError> {
    match read("net.bridge.bridge-nf-call-iptables") {
        Ok(value) => Ok(value != "0"),
        Err(error) if error.is_missing() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Below the root of a proc.
fn path(key: &str) -> Result<PathBuf, SysctlError> {
    let separator = if key.contains('/') { '/' } else { '.' };
    let mut path = PathBuf::from("sys");
    for part in key.split(separator) {
        if part.is_empty() || part == ".." || part == "." || part.contains('\0') {
            return Err(SysctlError::Name(key.to_owned()));
        }
        path.push(part);
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::netlink::Route;
    use crate::kernel::testing::{Machine, apart};

    #[test]
    fn keys_become_paths_below_proc_sys_only() {
        let ok = |key: &str| path(key).map(|path| path.display().to_string()).unwrap();
        assert_eq!(ok("net.ipv4.ip_forward"), "sys/net/ipv4/ip_forward");
        assert_eq!(ok("net/ipv4/conf/eth0.5/x"), "sys/net/ipv4/conf/eth0.5/x");
        for key in [
            "",
            "/etc/passwd",
            "net/../../x",
            "net..x",
            "a/./b",
            "net.",
            "x\0y",
        ] {
            assert!(path(key).is_err(), "{key:?}");
        }
    }

    #[test]
    fn a_missing_parameter_is_named() {
        let error = read("net.ipv4.no_such_thing").unwrap_err();
        assert!(error.is_missing());
        assert_eq!(
            error.to_string(),
            "read sysctl net.ipv4.no_such_thing: No such file or directory (os error 2)"
        );
        let error = write("net.ipv4.no_such_thing", "1").unwrap_err();
        assert!(error.is_missing(), "{error}");
    }

    #[test]
    fn net_parameters_are_those_of_the_entered_namespace() {
        if !apart("net_parameters_are_those_of_the_entered_namespace") {
            return;
        }
        let machine = Machine::new();
        machine.inside(|| write("net.ipv4.ip_default_ttl", "33").unwrap());
        assert_eq!(read("net.ipv4.ip_default_ttl").unwrap(), "64");
        machine.inside(|| assert_eq!(read("net.ipv4.ip_default_ttl").unwrap(), "33"));
        // Threads differ: this one is still at home while another is inside.
        std::thread::scope(|scope| {
            let inside = scope.spawn(|| machine.inside(|| read("net.ipv4.ip_default_ttl")));
            assert_eq!(inside.join().unwrap().unwrap(), "33");
        });
    }

    #[test]
    fn a_proc_of_our_own_has_the_parameters_of_the_entered_namespace() {
        if !apart("a_proc_of_our_own_has_the_parameters_of_the_entered_namespace") {
            return;
        }
        let own = OwnProc::default();
        let key = "net.ipv6.conf.lo.disable_ipv6";
        // Two after the other, and this one in between.
        for value in ["1", "0"] {
            let machine = Machine::new();
            machine.inside(|| {
                own.write(key, value).unwrap();
                assert!(!own.ensure(key, value).unwrap());
                assert_eq!(read(key).unwrap(), value);
                assert!(own.ensure("net.ipv4.ip_default_ttl", "33").unwrap());
            });
            assert!(!own.ensure("net.ipv4.ip_default_ttl", "64").unwrap());
        }
        let error = own.write("net.ipv4.no_such_thing", "1").unwrap_err();
        assert!(error.is_missing());
        assert_eq!(
            error.to_string(),
            "set sysctl net.ipv4.no_such_thing: No such file or directory (os error 2)"
        );
        assert!(own.write("net/../../x", "1").is_err());
    }

    #[test]
    fn without_a_proc_of_our_own_it_is_that_at_proc() {
        if !apart("without_a_proc_of_our_own_it_is_that_at_proc") {
            return;
        }
        let none = OwnProc(OnceLock::from(None));
        none.write("net.ipv4.ip_default_ttl", "33").unwrap();
        assert_eq!(read("net.ipv4.ip_default_ttl").unwrap(), "33");
    }

    #[test]
    fn forwarding_is_written_only_where_it_is_off() {
        if !apart("forwarding_is_written_only_where_it_is_off") {
            return;
        }
        assert_eq!(read("net.ipv4.ip_forward").unwrap(), "0");
        ensure_forwarding(Forwarding::default(), false).unwrap();
        assert_eq!(read("net.ipv4.ip_forward").unwrap(), "1");
        assert_eq!(read("net.ipv6.conf.all.forwarding").unwrap(), "0");
        // Writing it again would reset this one.
        write("net.ipv4.conf.all.send_redirects", "0").unwrap();
        assert!(!ensure("net.ipv4.ip_forward", "1").unwrap());
        assert_eq!(read("net.ipv4.conf.all.send_redirects").unwrap(), "0");
        let mut route = Route::open().unwrap();
        let (_, known) = route.link_and_forwarding("lo").unwrap();
        assert_eq!((known.ipv4, known.ipv6), (Some(true), Some(false)));
        ensure_forwarding(known, true).unwrap();
        assert_eq!(read("net.ipv6.conf.all.forwarding").unwrap(), "1");
        assert_eq!(read("net.ipv4.conf.all.send_redirects").unwrap(), "0");
        // What is known to be on is not looked at.
        write("net.ipv4.ip_forward", "0").unwrap();
        let on = Forwarding {
            ipv4: Some(true),
            ipv6: Some(true),
        };
        ensure_forwarding(on, true).unwrap();
        assert_eq!(read("net.ipv4.ip_forward").unwrap(), "0");
    }
}
