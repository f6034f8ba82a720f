//! Resource limits of the process.

use oci_spec::runtime::{PosixRlimit, PosixRlimitType};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{Failure, FailureKind, Naming};

/// One limit to set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit {
    kind: PosixRlimitType,
    soft: u64,
    hard: u64,
}

impl From<&PosixRlimit> for Limit {
    fn from(limit: &PosixRlimit) -> Self {
        Self {
            kind: limit.typ(),
            soft: limit.soft(),
            hard: limit.hard(),
        }
    }
}

impl Limit {
    /// Sets it. Raising a hard limit takes CAP_SYS_RESOURCE, which not even
    /// root has everywhere.
    pub(crate) fn apply(&self) -> Result<(), Failure> {
        let resource = resource(self.kind);
        let limit = Rlimit {
            current: finite(self.soft),
            maximum: finite(self.hard),
        };
        match setrlimit(resource, limit) {
            Err(Errno::PERM) => {
                let force = getrlimit(resource).maximum.unwrap_or(u64::MAX);
                Err(Failure::new(
                    FailureKind::Other,
                    format!(
                        "error setting rlimit {} to {}: operation not permitted: \
                         the hard limit in force is {}",
                        self.kind,
                        show(self.hard),
                        show(force)
                    ),
                ))
            }
            result => result.naming(|| format!("error setting rlimit {}", self.kind)),
        }
    }
}

fn finite(value: u64) -> Option<u64> {
    (value != u64::MAX).then_some(value)
}

fn show(value: u64) -> String {
    finite(value).map_or_else(|| "unlimited".to_owned(), |value| value.to_string())
}

fn resource(kind: PosixRlimitType) -> Resource {
    match kind {
        PosixRlimitType::RlimitCpu => Resource::Cpu,
        PosixRlimitType::RlimitFsize => Resource::Fsize,
        PosixRlimitType::RlimitData => Resource::Data,
        PosixRlimitType::RlimitStack => Resource::Stack,
        PosixRlimitType::RlimitCore => Resource::Core,
        PosixRlimitType::RlimitRss => Resource::Rss,
        PosixRlimitType::RlimitNproc => Resource::Nproc,
        PosixRlimitType::RlimitNofile => Resource::Nofile,
        PosixRlimitType::RlimitMemlock => Resource::Memlock,
        PosixRlimitType::RlimitAs => Resource::As,
        PosixRlimitType::RlimitLocks => Resource::Locks,
        PosixRlimitType::RlimitSigpending => Resource::Sigpending,
        PosixRlimitType::RlimitMsgqueue => Resource::Msgqueue,
        PosixRlimitType::RlimitNice => Resource::Nice,
        PosixRlimitType::RlimitRtprio => Resource::Rtprio,
        PosixRlimitType::RlimitRttime => Resource::Rttime,
    }
}
