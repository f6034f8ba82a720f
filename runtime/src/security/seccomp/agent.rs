//! Who decides the calls that a filter asks about (`SCMP_ACT_NOTIFY`).
//!
//! ```text
//!  starter ──connect──▶ agent            before the process may go on
//!  process: installs the filter ──its descriptor──▶ starter     (sendmsg)
//!  starter ──descriptor and state──▶ agent, once; the connection closes
//!  process: hooks inside, capset, execve: the agent decides what of it is asked about
//! ```
//!
//! After the filter is there, and before the agent has it, the process makes one
//! call: sendmsg. A profile that does not simply allow that is refused
//! ([`super::CompileError::Sendmsg`]); whatever else it asks about, nobody waits
//! for himself.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use oci_spec::runtime::{LinuxSeccomp, LinuxSeccompAction};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
    SocketFlags, SocketType, connect, send, sendmsg, socket_with,
};
use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

use crate::container::OCI_VERSION;
use crate::process::reason;
use crate::spec::ValidateError;

/// The name of the descriptor in the message.
const DESCRIPTOR: &str = "seccompFd";

/// Where somebody listens for a filter's descriptor, and what to tell him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listener {
    path: PathBuf,
    metadata: Option<String>,
}

/// A connection to him.
#[derive(Debug)]
pub(crate) struct Agent {
    listener: Listener,
    socket: OwnedFd,
}

/// Why the agent does not have the filter's descriptor.
#[derive(Debug, Error)]
#[error("{call} seccomp listener {path}: {}", reason(.source))]
pub struct AgentError {
    /// What was tried: `connecting to` or `sending to`.
    pub call: &'static str,
    /// The socket.
    pub path: PathBuf,
    /// The error.
    pub source: io::Error,
}

/// The message (runtime-spec, "The Container Process State").
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProcessState<'a> {
    oci_version: &'static str,
    fds: [&'static str; 1],
    pid: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a str>,
    state: &'a Value,
}

impl Listener {
    /// The profile's listener, if it asks anybody at all.
    ///
    /// # Errors
    /// A profile that asks and names nobody, or names somebody by half.
    pub(crate) fn of(profile: &LinuxSeccomp) -> Result<Option<Self>, ValidateError> {
        let invalid = |field: &str, reason: &str| {
            Err(ValidateError::Invalid {
                field: format!("linux.seccomp.{field}"),
                reason: reason.to_owned(),
            })
        };
        let path = profile.listener_path().clone();
        let path = path.filter(|path| !path.as_os_str().is_empty());
        let metadata = profile.listener_metadata().clone();
        let Some(path) = path else {
            if metadata.is_some_and(|metadata| !metadata.is_empty()) {
                return invalid("listenerMetadata", "it needs listenerPath");
            }
            if asks(profile) {
                return invalid("listenerPath", "SCMP_ACT_NOTIFY needs one");
            }
            return Ok(None);
        };
        if !path.is_absolute() {
            return invalid("listenerPath", "it is not absolute");
        }
        Ok(asks(profile).then_some(Self { path, metadata }))
    }

    /// Connects.
    ///
    /// # Errors
    /// As connect(2): nobody listens, or the path is longer than 107 bytes.
    pub(crate) fn connect(&self) -> Result<Agent, AgentError> {
        let connected = SocketAddrUnix::new(&self.path).and_then(|address| {
            let socket = socket_with(
                AddressFamily::UNIX,
                SocketType::STREAM,
                SocketFlags::CLOEXEC,
                None,
            )?;
            connect(&socket, &address)?;
            Ok(socket)
        });
        match connected {
            Ok(socket) => Ok(Agent {
                listener: self.clone(),
                socket,
            }),
            Err(error) => Err(self.failed("connecting to", error.into())),
        }
    }

    fn failed(&self, call: &'static str, source: io::Error) -> AgentError {
        AgentError {
            call,
            path: self.path.clone(),
            source,
        }
    }
}

impl Agent {
    /// Sends the descriptor of the filter of process `pid`, with the state of
    /// its container, and hangs up.
    ///
    /// # Errors
    /// He hung up first.
    pub(crate) fn hand_over(
        self,
        descriptor: BorrowedFd<'_>,
        pid: i32,
        state: &Value,
    ) -> Result<(), AgentError> {
        let message = ProcessState {
            oci_version: OCI_VERSION,
            fds: [DESCRIPTOR],
            pid,
            metadata: self.listener.metadata.as_deref(),
            state,
        };
        let sent = serde_json::to_vec(&message)
            .map_err(io::Error::from)
            .and_then(|text| self.send(&text, descriptor));
        sent.map_err(|source| self.listener.failed("sending to", source))
    }

    fn send(&self, text: &[u8], descriptor: BorrowedFd<'_>) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let descriptors = [descriptor];
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
        let socket = self.socket.as_fd();
        let flags = SendFlags::NOSIGNAL;
        let mut sent = sendmsg(socket, &[IoSlice::new(text)], &mut control, flags)?;
        // The descriptor was in the first part.
        while let Some(rest) = text.get(sent..).filter(|rest| !rest.is_empty()) {
            sent += send(socket, rest, flags)?;
        }
        Ok(())
    }
}

fn asks(profile: &LinuxSeccomp) -> bool {
    let notify = LinuxSeccompAction::ScmpActNotify;
    let mut rules = profile.syscalls().iter().flatten();
    rules.any(|rule| rule.action() == notify)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(profile: Value) -> Result<Option<Listener>, String> {
        let mut json = json!({"defaultAction": "SCMP_ACT_ALLOW"});
        for (key, value) in profile.as_object().unwrap() {
            json[key] = value.clone();
        }
        let profile = serde_json::from_value(json).unwrap();
        Listener::of(&profile).map_err(|error| error.to_string())
    }

    fn rule(action: &str) -> Value {
        json!([{"names": ["mkdir"], "action": action}])
    }

    #[test]
    fn who_listens_is_asked_only_by_a_profile_that_asks() {
        let given = json!({"listenerPath": "/a", "syscalls": rule("SCMP_ACT_ERRNO")});
        assert_eq!(read(given), Ok(None));
        let asked = json!({"listenerPath": "/a", "listenerMetadata": "m",
                           "syscalls": rule("SCMP_ACT_NOTIFY")});
        let listener = read(asked).unwrap().unwrap();
        assert_eq!(listener.path, std::path::Path::new("/a"));
        assert_eq!(listener.metadata.as_deref(), Some("m"));
    }

    #[test]
    fn an_agent_that_hung_up_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("agent");
        let listening = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let listener = Listener {
            path: path.clone(),
            metadata: None,
        };
        let agent = listener.connect().unwrap();
        drop(listening);
        let file = std::fs::File::open("/dev/null").unwrap();
        let error = agent.hand_over(file.as_fd(), 1, &json!({})).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "sending to seccomp listener {}: broken pipe",
                path.display()
            )
        );
        let error = listener.connect().unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "connecting to seccomp listener {}: connection refused",
                path.display()
            )
        );
    }

    #[test]
    fn half_a_listener_is_refused() {
        assert_eq!(
            read(json!({"syscalls": rule("SCMP_ACT_NOTIFY")})),
            Err("linux.seccomp.listenerPath: SCMP_ACT_NOTIFY needs one".to_owned())
        );
        assert_eq!(
            read(json!({"listenerMetadata": "m"})),
            Err("linux.seccomp.listenerMetadata: it needs listenerPath".to_owned())
        );
        assert_eq!(
            read(json!({"listenerPath": "a"})),
            Err("linux.seccomp.listenerPath: it is not absolute".to_owned())
        );
    }
}
