//! What all ports of one container share, and how much of it there is.

use std::sync::Arc;

use rustix::process::{Resource, getrlimit};
use tokio::sync::Semaphore;

use super::tcp::Pipes;
use super::udp::Scratch;
use crate::resolver::tasks::Tasks;

/// Most TCP connections of one container.
const MAX_CONNECTIONS: u64 = 1024;

/// Most UDP sessions of one container.
const MAX_SESSIONS: u64 = 512;

/// Descriptors left to the rest of the process.
const RESERVE: u64 = 128;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// One permit a TCP connection. When there is none left, new ones wait in the backlog.
    pub(super) connections: Arc<Semaphore>,
    /// UDP sessions; the oldest makes room.
    pub(super) sessions: Arc<Tasks>,
    pub(super) pipes: Arc<Pipes>,
    pub(super) scratch: Arc<Scratch>,
}

impl Limits {
    /// A TCP connection takes two descriptors and, while it is blocked, a pipe each way; a UDP
    /// session takes one. They must fit in what the process may open.
    pub(super) fn for_this_process() -> Limits {
        let open = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let open = open.saturating_sub(RESERVE);
        let connections = (open / 4).clamp(16, MAX_CONNECTIONS);
        let sessions = (open / 4).clamp(16, MAX_SESSIONS);
        Limits::new(connections as usize, sessions as usize)
    }

    pub(super) fn new(connections: usize, sessions: usize) -> Limits {
        Limits {
            connections: Arc::new(Semaphore::new(connections)),
            sessions: Tasks::new(sessions),
            pipes: Arc::default(),
            scratch: Arc::default(),
        }
    }
}
