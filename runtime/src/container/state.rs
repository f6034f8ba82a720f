//! A container's state as the specification's `state` operation shows it.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use oci_spec::runtime::Spec;
use serde::{Deserialize, Serialize};

/// The version of the specification that this runtime follows.
pub const OCI_VERSION: &str = "1.2.1";

/// Where a container is in its life (runtime-spec, "State"; `paused` is this
/// runtime's addition, as it is runc's).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is being made.
    Creating,
    /// All is made but the program is not executed.
    Created,
    /// The program runs.
    Running,
    /// All its processes are frozen.
    Paused,
    /// Its first process has ended.
    Stopped,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Creating => "creating",
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        })
    }
}

/// The state of the specification: what `state` prints and hooks read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct State<'a> {
    /// [`OCI_VERSION`].
    pub oci_version: &'static str,
    /// The container's id.
    pub id: &'a str,
    /// Where it is in its life.
    pub status: Status,
    /// Its first process, in the runtime's pid namespace; 0 when there is none.
    pub pid: i32,
    /// The bundle's directory.
    pub bundle: &'a Path,
    /// The configuration's annotations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<&'a HashMap<String, String>>,
}

impl<'a> State<'a> {
    /// Of a container made from `spec`.
    pub fn new(id: &'a str, bundle: &'a Path, spec: &'a Spec, status: Status, pid: i32) -> Self {
        Self {
            oci_version: OCI_VERSION,
            id,
            status,
            pid,
            bundle,
            annotations: spec.annotations().as_ref(),
        }
    }

    /// As a value.
    pub(crate) fn value(&self) -> serde_json::Value {
        // Strings and numbers always serialise.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// As hooks get it.
    pub fn json(&self) -> Vec<u8> {
        // Strings and numbers always serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_reads_as_the_specification_says() {
        let spec = Spec::default();
        let state = State::new("a", Path::new("/b"), &spec, Status::Created, 7);
        let value: serde_json::Value = serde_json::from_slice(&state.json()).unwrap();
        assert_eq!(value["ociVersion"], OCI_VERSION);
        assert_eq!(value["id"], "a");
        assert_eq!(value["status"], "created");
        assert_eq!(value["pid"], 7);
        assert_eq!(value["bundle"], "/b");
    }
}
