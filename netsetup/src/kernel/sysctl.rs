//! Kernel parameters under /proc/sys.
//!
//! `net.*` keys are those of the calling thread's network namespace: enter the sandbox
//! ([`super::netns::enter`]) and write there. A file opened once keeps its namespace.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

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
    // Not `fs::write`: for a file that might have to be made the kernel locks the directory.
    let open = |path| File::options().write(true).open(path);
    open(path(key)?)
        .and_then(|mut file| file.write_all(value.as_bytes()))
        .map_err(|source| SysctlError::Access {
            verb: "set",
            key: key.to_owned(),
            source,
        })
}

/// Reads a parameter, without the line's end.
///
/// # Errors
/// See [`SysctlError`].
pub fn read(key: &str) -> Result<String, SysctlError> {
    let mut value = fs::read_to_string(path(key)?).map_err(|source| SysctlError::Access {
        verb: "read",
        key: key.to_owned(),
        source,
    })?;
    value.truncate(value.trim_end().len());
    Ok(value)
}

/// Writes a parameter unless it has the value; true when it was written. For parameters whose
/// writing has side effects or wakes others.
///
/// # Errors
/// See [`SysctlError`].
pub fn ensure(key: &str, value: &str) -> Result<bool, SysctlError> {
    if read(key)? == value {
        return Ok(false);
    }
    write(key, value)?;
    Ok(true)
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

fn path(key: &str) -> Result<PathBuf, SysctlError> {
    let separator = if key.contains('/') { '/' } else { '.' };
    let mut path = PathBuf::from("/proc/sys");
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
        assert_eq!(ok("net.ipv4.ip_forward"), "/proc/sys/net/ipv4/ip_forward");
        assert_eq!(
            ok("net/ipv4/conf/eth0.5/x"),
            "/proc/sys/net/ipv4/conf/eth0.5/x"
        );
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
