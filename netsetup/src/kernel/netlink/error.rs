//! What can go wrong between us and the kernel.

use rustix::io::Errno;

/// A request to the kernel failed. The text begins with what was asked, naming its object:
/// `add address 172.18.0.2/16 to eth0: File exists`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetlinkError {
    /// The kernel said no.
    #[error("{request}: {}", refusal(*errno, detail.as_deref()))]
    Refused {
        /// What was asked.
        request: String,
        /// The kernel's code.
        errno: Errno,
        /// The kernel's own words (extended acknowledgement), where it has any.
        detail: Option<String>,
    },
    /// Sending or receiving failed.
    #[error("{request}: {}", errno_text(*errno))]
    Transport {
        /// What was asked.
        request: String,
        /// Why.
        errno: Errno,
    },
    /// The kernel's answer is missing or cannot be read.
    #[error("{request}: the kernel's answer is {problem}")]
    Answer {
        /// What was asked.
        request: String,
        /// `missing`, `cut short`, …
        problem: &'static str,
    },
    /// The request does not fit into a message.
    #[error("{request}: the request is too long")]
    TooLong {
        /// What was asked.
        request: String,
    },
}

impl NetlinkError {
    /// The kernel's code, if it gave one.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            NetlinkError::Refused { errno, .. } | NetlinkError::Transport { errno, .. } => {
                Some(*errno)
            }
            NetlinkError::Answer { .. } | NetlinkError::TooLong { .. } => None,
        }
    }

    /// The request that failed was this one.
    pub(super) fn is_about(&self, label: &str) -> bool {
        match self {
            NetlinkError::Refused { request, .. } | NetlinkError::Answer { request, .. } => {
                request == label
            }
            NetlinkError::Transport { .. } | NetlinkError::TooLong { .. } => true,
        }
    }

    /// The object is there already.
    pub fn is_exists(&self) -> bool {
        self.errno() == Some(Errno::EXIST)
    }

    /// There is no room for one more: a bridge takes 1,023 ports (BR_MAX_PORTS less one).
    pub fn is_full(&self) -> bool {
        self.errno() == Some(Errno::XFULL)
    }

    /// The object (interface, address, route, table, element) is not there.
    pub fn is_missing(&self) -> bool {
        matches!(
            self.errno(),
            Some(Errno::NODEV | Errno::NOENT | Errno::SRCH | Errno::ADDRNOTAVAIL | Errno::NXIO)
        )
    }
}

fn refusal(errno: Errno, detail: Option<&str>) -> String {
    let text = errno_text(errno);
    match detail {
        Some(detail) => format!("{text} ({detail})"),
        None => text,
    }
}

/// The system's text for a code, without the number that std adds.
fn errno_text(errno: Errno) -> String {
    let text = std::io::Error::from(errno).to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_the_object_and_the_kernels_words() {
        let error = NetlinkError::Refused {
            request: "add address 172.18.0.2/16 to eth0".into(),
            errno: Errno::EXIST,
            detail: Some("ipv4: Address already assigned".into()),
        };
        assert_eq!(
            error.to_string(),
            "add address 172.18.0.2/16 to eth0: File exists (ipv4: Address already assigned)"
        );
        assert!(error.is_exists());
        assert!(!error.is_missing());
    }
}
