//! A time namespace of the container's own: how far its clocks are ahead of
//! the host's.

use std::collections::HashMap;
use std::os::fd::AsFd;

use oci_spec::runtime::LinuxTimeOffset;
use rustix::fs::{Mode, OFlags, fstatfs, openat};
use rustix::io::Errno;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::procfs::{self, Procfs};
use super::{Failure, Naming, sys};
use crate::container::NSFS_MAGIC;
use crate::spec::ValidateError;

/// The clocks that a time namespace has offsets for; time_namespaces(7).
const CLOCKS: [&str; 2] = ["monotonic", "boottime"];
const NANOSECONDS: u32 = 1_000_000_000;

/// `linux.timeOffsets` as the kernel's file takes it, a line a clock.
///
/// # Errors
/// A clock that has no offset, or more nanoseconds than a second has.
pub(crate) fn offsets(
    offsets: Option<&HashMap<String, LinuxTimeOffset>>,
) -> Result<String, ValidateError> {
    let mut lines = Vec::new();
    for (clock, offset) in offsets.into_iter().flatten() {
        let invalid = |reason: String| {
            Err(ValidateError::Invalid {
                field: format!("linux.timeOffsets.{clock}"),
                reason,
            })
        };
        if !CLOCKS.contains(&clock.as_str()) {
            return invalid("only monotonic and boottime have an offset".to_owned());
        }
        let nanoseconds = offset.nanosecs().unwrap_or(0);
        if nanoseconds >= NANOSECONDS {
            return invalid(format!("nanosecs {nanoseconds} is a second or more"));
        }
        lines.push(format!(
            "{clock} {} {nanoseconds}\n",
            offset.secs().unwrap_or(0)
        ));
    }
    lines.sort();
    Ok(lines.concat())
}

/// Makes a time namespace with these offsets and enters it. Kernels before 6.1
/// would leave a process where it is when it executes its program, so it is
/// entered by hand.
pub(crate) fn enter(offsets: &str) -> Result<(), Failure> {
    const CLONE_NEWTIME: i32 = 0x80;
    let title = || "making a time namespace";
    sys::unshare_namespaces(CLONE_NEWTIME).naming(title)?;
    // Only while nobody is in it.
    if !offsets.is_empty() {
        procfs::own("timens_offsets", offsets)?;
    }
    let directory = Procfs::open()
        .and_then(|proc| proc.open_own("ns", OFlags::PATH | OFlags::DIRECTORY))
        .naming(title)?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(&directory, "time_for_children", flags, Mode::empty()).naming(title)?;
    if fstatfs(&file).naming(title)?.f_type as i64 != NSFS_MAGIC {
        return Err(Errno::INVAL).naming(title);
    }
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Time))
        .naming(|| "entering the time namespace")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(value: Value) -> Result<String, String> {
        let map: HashMap<_, _> = serde_json::from_value(value).unwrap();
        offsets(Some(&map)).map_err(|error| error.to_string())
    }

    #[test]
    fn offsets_become_lines() {
        let value =
            json!({"monotonic": {"secs": -5, "nanosecs": 7}, "boottime": {"secs": 864_000}});
        assert_eq!(read(value).unwrap(), "boottime 864000 0\nmonotonic -5 7\n");
        assert_eq!(offsets(None), Ok(String::new()));
    }

    #[test]
    fn other_clocks_and_too_many_nanoseconds_are_named() {
        assert_eq!(
            read(json!({"realtime": {"secs": 1}})),
            Err(
                "linux.timeOffsets.realtime: only monotonic and boottime have an offset".to_owned()
            )
        );
        assert_eq!(
            read(json!({"boottime": {"nanosecs": 1_000_000_000}})),
            Err("linux.timeOffsets.boottime: nanosecs 1000000000 is a second or more".to_owned())
        );
    }
}
