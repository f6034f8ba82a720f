//! The firewall over NETLINK_NETFILTER: the table `inet rbox` on the host, and the table
//! `ip rbox-resolver` inside each sandbox that has the embedded resolver.
//!
//! ```text
//! table      what the host's table is, as a picture; made once, replaced by layout number
//! rules      its chains and rules
//! network    a bridge's elements in its sets
//! ports      published ports in its maps       reach   those open at the container's address
//! owned      how a container's elements come and go
//! resolver   the sandbox's table
//!    │ element (key, data, owner), set (types), expr (rules)
//!    ▼
//! transaction   all or nothing, optionally only if nothing else changed meanwhile
//! ```
//!
//! Deleting anything leaves work behind that the *closing* of a netfilter socket waits for (an
//! RCU grace period, tens of milliseconds). Keep an [`Nft`] until nobody waits for you.

mod chain;
mod element;
mod expr;
mod network;
mod owned;
mod ports;
mod reach;
mod resolver;
mod rules;
mod set;
mod table;
mod transaction;
mod wire;

use std::io;
use std::os::fd::BorrowedFd;

use rustix::net::netlink::NETFILTER;

use super::netlink::{NetlinkError, Socket};

pub use network::NetworkEntry;
pub use ports::PortEntry;

/// A change of, or look at, the firewall failed.
#[derive(Debug, thiserror::Error)]
pub enum NftError {
    /// The kernel refused; names the request.
    #[error(transparent)]
    Kernel(#[from] NetlinkError),
    /// A newer program made the table.
    #[error(
        "table inet rbox has layout {found}, newer than {known} that this program knows; \
         remove it with `nft delete table inet rbox` when nothing runs"
    )]
    Newer {
        /// Its number.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// Others kept changing the firewall between our look and our change.
    #[error("{0}: the firewall is being changed all the time")]
    Contended(String),
}

/// A NETLINK_NETFILTER socket of one network namespace.
#[derive(Debug)]
pub struct Nft {
    socket: Socket,
}

impl Nft {
    /// Opens a socket in the thread's current network namespace.
    ///
    /// # Errors
    /// The kernel refuses the socket (no netfilter).
    pub fn open() -> io::Result<Nft> {
        Ok(Nft {
            socket: Socket::open(Some(NETFILTER))?,
        })
    }

    /// Opens a socket in another network namespace; the thread is back in its own afterwards.
    ///
    /// # Errors
    /// `ns` is no network namespace, or entering it is not permitted.
    pub fn open_in(ns: BorrowedFd<'_>) -> io::Result<Nft> {
        let _inside = super::netns::enter(ns)?;
        Nft::open()
    }
}

#[cfg(test)]
mod tests;
