//! A sandbox: one network namespace with its endpoints and published ports.

use serde::{Deserialize, Serialize};

use super::endpoint::Endpoint;
use super::port::PublishedPort;

/// What a running container's network looks like; part of its `state.json`.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Sandbox {
    /// 64 hexadecimal digits.
    pub id: String,
    /// Path of the namespace, `/run/netns/rbox-<name>`.
    pub key: String,
    /// In the order eth0, eth1, …
    pub endpoints: Vec<Endpoint>,
    /// As bound.
    pub ports: Vec<PublishedPort>,
}
