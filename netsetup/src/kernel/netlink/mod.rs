//! Links, addresses and routes over NETLINK_ROUTE.
//!
//! ```text
//! link, veth, macvlan, address, route   what is asked, by interface index
//! netconf                               what is asked of a namespace
//!        │ Batch (message)     requests with a text that names their object
//!        ▼
//! socket                       one send, answers matched by sequence number
//! ```

mod address;
mod attr;
mod error;
mod link;
mod lookup;
mod macvlan;
mod message;
mod netconf;
mod option;
mod route;
mod socket;
mod veth;

use std::io;
use std::os::fd::BorrowedFd;

pub use address::AddressInfo;
pub use error::NetlinkError;
pub use link::{LINK_LOCAL, LOOPBACK, LinkInfo};
pub use lookup::{BridgePort, RouteAnswer, RouteQuestion};
pub use macvlan::MacvlanRequest;
pub use netconf::Forwarding;
pub use route::{RouteInfo, destinations};
pub use veth::{InterfaceSetup, Veth, VethRequest, link_local};

pub(in crate::kernel) use attr::{Attributes, Encoder};
pub(in crate::kernel) use message::{ACK, Batch, CREATE, EXCL};
pub(in crate::kernel) use socket::{Reply, Socket};

/// A NETLINK_ROUTE socket of one network namespace.
#[derive(Debug)]
pub struct Route {
    socket: Socket,
    /// Interfaces met so far, each name once: for error texts and [`Route::known_index`].
    names: Vec<(u32, String)>,
}

impl Route {
    /// Opens a socket in the thread's current network namespace.
    ///
    /// # Errors
    /// The kernel refuses the socket (descriptor limits, no netlink).
    pub fn open() -> io::Result<Route> {
        Ok(Route {
            socket: Socket::open(None)?,
            names: Vec::new(),
        })
    }

    /// Opens a socket in another network namespace; the thread is back in its own afterwards.
    ///
    /// # Errors
    /// `ns` is no network namespace, or entering it is not permitted.
    pub fn open_in(ns: BorrowedFd<'_>) -> io::Result<Route> {
        let _inside = super::netns::enter(ns)?;
        Route::open()
    }

    fn remember(&mut self, index: u32, name: &str) {
        let same = |(known, old): &(u32, String)| *known == index && old == name;
        if !self.names.iter().any(same) {
            // An interface of that name that was there before is gone.
            self.names
                .retain(|(known, old)| *known != index && old != name);
            self.names.push((index, name.to_owned()));
        }
    }

    /// Index of an interface that this socket has met, without asking the kernel. Whoever uses
    /// it must expect that the interface is gone.
    pub fn known_index(&self, name: &str) -> Option<u32> {
        let (index, _) = self.names.iter().find(|(_, known)| known == name)?;
        Some(*index)
    }

    fn name_of(&self, index: u32) -> String {
        match self.names.iter().find(|(known, _)| *known == index) {
            Some((_, name)) => name.clone(),
            None => format!("interface {index}"),
        }
    }
}

#[cfg(test)]
mod tests;
