//! What steps are carried out with.

use std::os::fd::BorrowedFd;

use super::error::ApplyError;
use crate::kernel::netlink::{LOOPBACK, Route};
use crate::kernel::nft::Nft;
use crate::kernel::sysctl::OwnProc;

/// Sockets of the host and of one sandbox. The calling thread is in the host's namespace.
#[derive(Debug)]
pub struct Context<'a> {
    /// Netlink of the host.
    pub host: &'a mut Route,
    /// Netlink of the sandbox, where steps inside one are carried out.
    pub sandbox: Option<&'a mut Route>,
    /// The sandbox's namespace, likewise.
    pub sandbox_ns: Option<BorrowedFd<'a>>,
    /// The parameters of its interfaces.
    pub parameters: &'a OwnProc,
    /// The host's firewall. Closing it after deletions takes long; keep it while somebody waits.
    pub nft: &'a mut Nft,
}

impl Context<'_> {
    /// Raises the sandbox's loopback, for a sandbox that has nothing else.
    ///
    /// # Errors
    /// There is no sandbox, or the kernel refuses.
    pub fn sandbox_up(&mut self) -> Result<(), ApplyError> {
        self.inside("raise loopback")?.set_up(LOOPBACK)?;
        Ok(())
    }

    pub(super) fn inside(&mut self, what: &'static str) -> Result<&mut Route, ApplyError> {
        self.sandbox
            .as_deref_mut()
            .ok_or(ApplyError::NoSandbox(what))
    }
}
