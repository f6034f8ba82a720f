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
//! ways_in    our rule in other firewalls' chains  policy  those that would drop ours
//! dump       everybody's ruleset, read for `explain`
//!    │ element (key, data, owner), set (types), expr (rules)
//!    ▼
//! transaction   all or nothing, optionally only if nothing else changed meanwhile
//! ```
//!
//! Deleting anything leaves work behind that the *closing* of a netfilter socket waits for (an
//! RCU grace period, tens of milliseconds). Keep an [`Nft`] until nobody waits for you.

mod chain;
mod dump;
mod dump_element;
mod dump_expr;
mod element;
mod expr;
pub mod lines;
mod network;
mod owned;
mod policy;
mod ports;
mod reach;
mod resolver;
mod rules;
mod set;
mod table;
mod transaction;
mod ways_in;
mod wire;

use std::io;
use std::os::fd::BorrowedFd;

use rustix::net::netlink::NETFILTER;

use super::netlink::{NetlinkError, Socket};
use crate::foreign::Remark;

pub use network::NetworkEntry;
pub use policy::DroppingChain;
pub use ports::PortEntry;
pub use ways_in::{ADMITTED, Others, WayIn};

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

impl NftError {
    /// A table, chain or rule is not there.
    fn is_missing(&self) -> bool {
        matches!(self, NftError::Kernel(error) if error.is_missing())
    }
}

/// A NETLINK_NETFILTER socket of one network namespace.
#[derive(Debug)]
pub struct Nft {
    socket: Socket,
    remarks: Vec<Remark>,
}

impl Nft {
    /// Opens a socket in the thread's current network namespace.
    ///
    /// # Errors
    /// The kernel refuses the socket (no netfilter).
    pub fn open() -> io::Result<Nft> {
        Ok(Nft {
            socket: Socket::open(Some(NETFILTER))?,
            remarks: Vec::new(),
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

    /// Keeps something for whoever asked for the change to tell the user; each once.
    pub fn remark(&mut self, remark: Remark) {
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    /// What was kept.
    pub fn take_remarks(&mut self) -> Vec<Remark> {
        std::mem::take(&mut self.remarks)
    }
}

#[cfg(test)]
mod tests;
