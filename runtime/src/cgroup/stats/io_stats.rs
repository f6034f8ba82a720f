//! What was done with block devices.

use std::fmt;

/// What was done with block devices. What the kernel does not count is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IoStats {
    /// Bytes moved.
    pub service_bytes: Vec<IoEntry>,
    /// Operations done.
    pub serviced: Vec<IoEntry>,
    /// Operations waiting.
    pub queued: Vec<IoEntry>,
    /// Nanoseconds between the issue and the end of operations.
    pub service_time_ns: Vec<IoEntry>,
    /// Nanoseconds that operations waited for their issue.
    pub wait_time_ns: Vec<IoEntry>,
    /// Operations merged into others.
    pub merged: Vec<IoEntry>,
    /// Milliseconds for which the group had the device.
    pub time_ms: Vec<IoEntry>,
    /// Sectors of 512 bytes moved.
    pub sectors: Vec<IoEntry>,
}

/// A count for one device and one kind of operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IoEntry {
    /// The device's major number.
    pub major: u32,
    /// The device's minor number.
    pub minor: u32,
    /// Which operations are counted.
    pub operation: IoOperation,
    /// How much, in the unit of the list.
    pub value: u64,
}

/// A kind of operation on a block device; `Display` gives the kernel's v1 name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IoOperation {
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Those that somebody waits for.
    Sync,
    /// Those that nobody waits for.
    Async,
    /// Telling the device that blocks are free.
    Discard,
    /// All of them.
    Total,
}

impl fmt::Display for IoOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "Read",
            Self::Write => "Write",
            Self::Sync => "Sync",
            Self::Async => "Async",
            Self::Discard => "Discard",
            Self::Total => "Total",
        })
    }
}
