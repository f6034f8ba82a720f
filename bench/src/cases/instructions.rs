//! How many instructions this process's children execute, where the machine
//! counts them: many virtual machines do not.

#![allow(unsafe_code, reason = "perf_event_open has no safe wrapper")]

use std::fs::File;
use std::io::Read;
use std::os::fd::FromRawFd;

/// A running count of the instructions, user and kernel, of this process and of
/// the children that it starts from now on.
pub struct Counter(File);

/// The head of `struct perf_event_attr` (perf_event_open(2)), version 0.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup: u32,
    breakpoint_type: u32,
    breakpoint_address: u64,
}

impl Counter {
    /// `None` where there is no such counter, or it may not be used.
    pub fn start() -> Option<Self> {
        const HARDWARE: u32 = 0;
        const INSTRUCTIONS: u64 = 1;
        const INHERIT: u64 = 1 << 1;
        const CLOSE_ON_EXEC: u64 = 1 << 3;
        let attributes = Attributes {
            kind: HARDWARE,
            size: size_of::<Attributes>() as u32,
            config: INSTRUCTIONS,
            flags: INHERIT,
            ..Attributes::default()
        };
        // SAFETY: the attributes outlive the call and have the size that they say.
        let fd = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                &raw const attributes,
                0,
                -1,
                -1,
                CLOSE_ON_EXEC,
            )
        };
        let fd = i32::try_from(fd).ok().filter(|&fd| fd >= 0)?;
        // SAFETY: a fresh descriptor that nobody else owns.
        Some(Self(unsafe { File::from_raw_fd(fd) }))
    }

    /// The count, once the children have ended.
    pub fn read(mut self) -> Option<u64> {
        let mut count = [0; 8];
        self.0.read_exact(&mut count).ok()?;
        Some(u64::from_ne_bytes(count))
    }
}
