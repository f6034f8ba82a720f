//! The embedded resolver at 127.0.0.11.
//!
//! It runs in the monitor of each container that is on a user-defined network.
//! Its sockets are made inside the sandbox on random ports, and an nft rule
//! there leads port 53 to them; names and upstreams come from outside:
//!
//! ```text
//!  container ──53──▶ nft in the sandbox ──▶ udp / tcp ──▶ wire (hickory decodes the query)
//!                                                           │
//!             /run/rbox/networks/<name>/hosts ──▶ zones ──▶ names: known ──▶ answer, TTL 0
//!                                                           │ unknown
//!                                                           ▼
//!                                             forward: the host's servers from the host's
//!                                             namespace, --dns ones from the sandbox
//! ```
//!
//! Everything a query can make grow is bounded: outstanding forwards and TCP
//! connections (the oldest is dropped), the size of a query, the time a
//! connection may be idle. What the container sends is hostile input.

mod exchange;
mod forward;
mod host_servers;
mod names;
mod offline;
mod sockets;
mod stamp;
pub(crate) mod tasks;
mod tcp;
mod udp;
mod wire;
mod zones;

#[cfg(test)]
pub(crate) mod tests;

use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use hickory_proto::op::ResponseCode;
use tokio::sync::watch;

pub use offline::{Fate, Offline};
pub use sockets::{Sockets, bind};

use forward::Forwarder;
use names::Names;
use tasks::Tasks;

/// How many queries may wait for an upstream before the oldest is given up.
const MAX_FORWARDS: usize = 256;

/// How many TCP connections are served before the oldest is closed.
const MAX_CONNECTIONS: usize = 64;

/// Largest query read, and largest answer sent over UDP, bytes.
const MAX_UDP: usize = 4096;

/// One network that the sandbox is on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Zone {
    /// The network's name: names are known as `web` and as `web.<name>`.
    pub name: String,
    /// The network's `hosts` file; one that does not exist is an empty zone.
    pub hosts_path: PathBuf,
}

/// A server that unknown names are forwarded to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Upstream {
    /// Where it listens.
    pub addr: SocketAddr,
    /// It is asked from the sandbox's namespace instead of the host's.
    pub from_sandbox: bool,
}

/// What the resolver answers from. It can change while it runs.
#[derive(Clone, Debug, Default)]
pub struct ResolverConfig {
    /// Networks with names, in any order: they are asked in the order of their names.
    pub networks: Vec<Zone>,
    /// `--link`: alias, name of the target, network. Only this sandbox knows them.
    pub links: Vec<(String, String, String)>,
    /// Asked in order; at most the first three count.
    pub upstreams: Vec<Upstream>,
    /// Servers may be asked from the host's namespace. Not so when every network is internal;
    /// servers asked from the sandbox still are, for one of them may be on such a network.
    pub forward: bool,
    /// The host's resolv.conf: its servers as they are at each query take the place of those in
    /// `upstreams` that are asked from the host. `None` leaves these as they are.
    pub host_conf: Option<PathBuf>,
    /// The sandbox's network namespace, for upstreams asked from there.
    pub sandbox_ns: Option<Arc<OwnedFd>>,
}

/// The nameservers of a resolv.conf's text, in order.
pub fn upstreams_from(resolv_conf: &str) -> Vec<IpAddr> {
    crate::files::resolv::nameservers(resolv_conf)
}

/// Answers on the sockets for as long as the future is polled; dropping it ends all that it
/// began. Must run on a tokio runtime with I/O and time; one thread is enough.
///
/// When the sender of the configuration is dropped the last one stays in force.
pub async fn serve(sockets: Sockets, config: watch::Receiver<ResolverConfig>) -> ! {
    let resolver = Resolver::new(config);
    let (udp, tcp) = match sockets.register() {
        Ok(sockets) => sockets,
        // Without a reactor there is nothing to wait on; the caller sees no answers.
        Err(_) => std::future::pending().await,
    };
    tokio::select! {
        never = udp::serve(Arc::clone(&resolver), udp) => never,
        never = tcp::serve(Arc::clone(&resolver), tcp) => never,
    }
}

/// What both transports share.
struct Resolver {
    names: Mutex<Names>,
    forwarder: Forwarder,
    connections: Arc<Tasks>,
}

/// How a query came and where its answer goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// A datagram; its answer must fit into one.
    Udp,
    /// A connection.
    Tcp,
}

/// What becomes of one message from a client.
enum Outcome {
    /// The answer is in the buffer.
    Answered,
    /// Nothing is sent.
    Ignored,
    /// It has to be forwarded.
    Forward(forward::Job),
}

impl Resolver {
    fn new(config: watch::Receiver<ResolverConfig>) -> Arc<Resolver> {
        Arc::new(Resolver {
            names: Mutex::new(Names::new(config)),
            forwarder: Forwarder::new(Tasks::new(MAX_FORWARDS)),
            connections: Tasks::new(MAX_CONNECTIONS),
        })
    }

    /// Answers `message` into `out` if that needs no one else.
    fn handle(&self, message: &[u8], transport: Transport, out: &mut Vec<u8>) -> Outcome {
        out.clear();
        let query = match wire::Query::read(message, transport) {
            Ok(query) => query,
            Err(wire::Refusal::Ignore) => return Outcome::Ignored,
            Err(wire::Refusal::Reply(code)) => {
                wire::refuse(message, code, out);
                return Outcome::Answered;
            }
        };
        if let Some(code) = query.refused() {
            wire::failure(&query, code, out);
            return Outcome::Answered;
        }
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.answer(&query, out) {
            return Outcome::Answered;
        }
        let upstreams = names.upstreams();
        if upstreams.is_empty() {
            wire::failure(&query, ResponseCode::ServFail, out);
            return Outcome::Answered;
        }
        let sandbox = names.config().sandbox_ns.clone();
        Outcome::Forward(forward::Job::new(&query, message, upstreams, sandbox))
    }
}
