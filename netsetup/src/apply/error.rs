//! What can go wrong while a step is carried out or undone.

use std::io;
use std::path::PathBuf;

use crate::kernel::netlink::NetlinkError;
use crate::kernel::netns::{BindError, UnbindError};
use crate::kernel::nft::NftError;
use crate::kernel::sysctl::SysctlError;
use crate::store::record::RecordError;

/// A step failed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The step could not be written down, so it was not tried.
    #[error("write journal {}: {source}", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A lease could not be given back.
    #[error("release lease {}: {source}", path.display())]
    Lease {
        /// The lease.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The network was removed while the container was being attached.
    #[error("network {0} not found")]
    NetworkGone(String),
    /// The bridge's name belongs to another kind of interface.
    #[error("existing interface {0} is not a bridge")]
    NotABridge(String),
    /// The kernel gives a bridge no more ports.
    #[error("bridge {0} has 1023 ports, which is the kernel's limit")]
    BridgeFull(String),
    /// The interface that a macvlan network is on is missing.
    #[error("the requested parent interface {0} was not found on the host")]
    NoParent(String),
    /// Mode passthru is for one container.
    #[error(
        "failed to create the macvlan port: parent interface {0} has one, and mode passthru takes \
         exactly one"
    )]
    ParentTaken(String),
    /// The kernel refuses a macvlan interface.
    #[error("failed to create the macvlan port: {0}")]
    MacvlanPort(NetlinkError),
    /// The kernel lacks what a parent would be.
    #[error("parent interface {name} cannot be made: this kernel has no {kind}")]
    NoSuchKind {
        /// The interface.
        name: String,
        /// What it would be.
        kind: &'static str,
    },
    /// A step inside the sandbox, and no sandbox.
    #[error("{0}: no network namespace to do it in")]
    NoSandbox(&'static str),
    /// The sandbox's namespace or a socket in it cannot be opened.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Netlink.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// The firewall.
    #[error(transparent)]
    Nft(#[from] NftError),
    /// The namespace's name.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The namespace's name.
    #[error(transparent)]
    Unbind(#[from] UnbindError),
    /// A parameter that the user set for an interface, and the kernel does not have.
    #[error("/proc/sys/{0} is not a sysctl file")]
    NotASysctl(String),
    /// A kernel parameter.
    #[error(transparent)]
    Sysctl(#[from] SysctlError),
    /// A file of the network's run directory.
    #[error(transparent)]
    Record(#[from] RecordError),
}
