//! The netlink sockets that a sandbox is made and changed through.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rbox_netsetup::apply::Context;
use rbox_netsetup::kernel::netlink::Route;
use rbox_netsetup::kernel::nft::Nft;
use rbox_netsetup::kernel::sysctl::OwnProc;

/// Opened once a start and kept: closing the firewall's socket after a deletion,
/// or a proc, waits for the kernel, which nobody else should wait for.
#[derive(Debug)]
pub struct Kernel {
    host: Route,
    nft: Nft,
    parameters: OwnProc,
    sandbox: Option<(Route, Arc<OwnedFd>)>,
}

impl Kernel {
    /// Opens the host's sockets.
    pub fn open() -> io::Result<Kernel> {
        Ok(Kernel {
            host: Route::open()?,
            nft: Nft::open()?,
            parameters: OwnProc::default(),
            sandbox: None,
        })
    }

    /// Opens the sandbox's socket.
    pub fn open_sandbox(&mut self, namespace: &Arc<OwnedFd>) -> io::Result<()> {
        let route = Route::open_in(namespace.as_fd())?;
        self.sandbox = Some((route, namespace.clone()));
        Ok(())
    }

    /// What steps are carried out with.
    pub fn context(&mut self) -> Context<'_> {
        let (sandbox, sandbox_ns) = match &mut self.sandbox {
            Some((route, namespace)) => (Some(route), Some(OwnedFd::as_fd(namespace))),
            None => (None, None),
        };
        Context {
            host: &mut self.host,
            sandbox,
            sandbox_ns,
            parameters: &self.parameters,
            nft: &mut self.nft,
        }
    }
}
