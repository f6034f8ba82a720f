//! Resource limits of the process.

use oci_spec::runtime::{PosixRlimit, PosixRlimitType};
use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

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
        let force = || getrlimit(resource).maximum;
        self.tell(setrlimit(resource, self.pair()), force)
    }

    /// Sets it for another process, with the caller's privileges.
    pub(crate) fn apply_to(&self, pid: i32) -> Result<(), Failure> {
        let resource = resource(self.kind);
        let result = match Pid::from_raw(pid) {
            Some(pid) => prlimit(Some(pid), resource, self.pair()).map(drop),
            None => Err(Errno::SRCH),
        };
        self.tell(result, || getrlimit(resource).maximum)
    }

    fn pair(&self) -> Rlimit {
        Rlimit {
            current: finite(self.soft),
            maximum: finite(self.hard),
        }
    }

    fn tell(
        &self,
        result: Result<(), Errno>,
        force: impl FnOnce() -> Option<u64>,
    ) -> Result<(), Failure> {
        match result {
            Err(Errno::PERM) => {
                let force = force().unwrap_or(u64::MAX);
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
