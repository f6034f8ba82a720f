//! Macvlan interfaces, born inside a sandbox, and the parents that rbox makes for them.
//!
//! Attributes as in linux/if_link.h (`IFLA_MACVLAN_*`, `IFLA_VLAN_*`).

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::Errno;

use crate::model::mac::Mac;
use crate::model::macvlan_options::MacvlanMode;

use super::Route;
use super::error::NetlinkError;
use super::link::{
    IFLA_ADDRESS, IFLA_IFNAME, IFLA_INFO_DATA, IFLA_INFO_KIND, IFLA_LINK, IFLA_LINKINFO, IFLA_MTU,
    NEWLINK, SETLINK, ifinfo, no_link_local,
};
use super::message::{ACK, Batch, CREATE, EXCL};
use super::veth::IFLA_NET_NS_FD;

const IFLA_MACVLAN_MODE: u16 = 1;
const IFLA_VLAN_ID: u16 = 1;

/// What [`Route::create_macvlan`] makes.
#[derive(Clone, Copy, Debug)]
pub struct MacvlanRequest<'a> {
    /// Index of the parent, in the namespace of the socket.
    pub parent: u32,
    /// Name inside, at most 15 bytes.
    pub name: &'a str,
    /// Namespace that it is made in.
    pub ns: BorrowedFd<'a>,
    /// Who reaches whom.
    pub mode: MacvlanMode,
    /// Its address. In mode passthru the kernel gives it the parent's all the same.
    pub mac: Mac,
    /// Bytes; the parent's where there is none.
    pub mtu: Option<u32>,
}

fn number(mode: MacvlanMode) -> u32 {
    match mode {
        MacvlanMode::Private => 1,
        MacvlanMode::Vepa => 2,
        MacvlanMode::Bridge => 4,
        MacvlanMode::Passthru => 8,
    }
}

impl Route {
    /// Makes a macvlan interface in another namespace. It is down.
    ///
    /// # Errors
    /// `EINVAL` when the parent has one in mode passthru, or has any and this is to be in that
    /// mode; [`NetlinkError::is_missing`] when there is no such parent, [`NetlinkError::is_exists`]
    /// when the name is taken inside. On errors nothing is left behind.
    pub fn create_macvlan(&mut self, request: &MacvlanRequest<'_>) -> Result<(), NetlinkError> {
        let label = format!(
            "create macvlan {} on {}",
            request.name,
            self.name_of(request.parent)
        );
        let mut batch = Batch::default();
        batch.request(label, NEWLINK, ACK | CREATE | EXCL, |e| {
            e.raw(&ifinfo(0, false));
            e.text(IFLA_IFNAME, request.name);
            e.u32(IFLA_LINK, request.parent);
            e.bytes(IFLA_NET_NS_FD, &request.ns.as_raw_fd().to_ne_bytes());
            e.bytes(IFLA_ADDRESS, &request.mac.0);
            if let Some(mtu) = request.mtu {
                e.u32(IFLA_MTU, mtu);
            }
            e.nest(IFLA_LINKINFO, |e| {
                e.text(IFLA_INFO_KIND, "macvlan");
                e.nest(IFLA_INFO_DATA, |e| {
                    e.u32(IFLA_MACVLAN_MODE, number(request.mode));
                });
            });
        });
        self.socket.execute(batch).map(drop)
    }

    /// Sets an interface's hardware address.
    ///
    /// # Errors
    /// [`NetlinkError::is_missing`] when there is no such interface; the device refuses.
    pub fn set_mac(&mut self, index: u32, mac: Mac) -> Result<(), NetlinkError> {
        let label = format!("set address {mac} on {}", self.name_of(index));
        let mut batch = Batch::default();
        batch.request(label, SETLINK, ACK, |e| {
            e.raw(&ifinfo(index, false));
            e.bytes(IFLA_ADDRESS, &mac.0);
        });
        self.socket.execute(batch).map(drop)
    }

    /// Makes a VLAN sub-interface (IEEE 802.1Q). It is down.
    ///
    /// # Errors
    /// [`NetlinkError::is_exists`] when the name or the VLAN is taken; the kernel has no VLANs.
    pub fn create_vlan(&mut self, name: &str, lower: u32, id: u16) -> Result<(), NetlinkError> {
        let label = format!("create VLAN {id} of {} as {name}", self.name_of(lower));
        self.create(label, name, "vlan", Some((lower, id)))
    }

    /// Makes an interface that drops what it is sent. It is down.
    ///
    /// A `dummy`; where the kernel has none, an `ifb`, which drops all that was not redirected
    /// to it by a traffic control rule.
    ///
    /// # Errors
    /// [`NetlinkError::is_exists`] when the name is taken; the kernel has neither kind.
    pub fn create_sink(&mut self, name: &str) -> Result<(), NetlinkError> {
        let label = format!("create interface {name}");
        match self.create(label.clone(), name, "dummy", None) {
            Err(error) if error.errno() == Some(Errno::OPNOTSUPP) => {
                self.create(label, name, "ifb", None)
            }
            other => other,
        }
    }

    fn create(
        &mut self,
        label: String,
        name: &str,
        kind: &str,
        vlan: Option<(u32, u16)>,
    ) -> Result<(), NetlinkError> {
        let mut batch = Batch::default();
        batch.request(label, NEWLINK, ACK | CREATE | EXCL, |e| {
            e.raw(&ifinfo(0, false));
            e.text(IFLA_IFNAME, name);
            if let Some((lower, _)) = vlan {
                e.u32(IFLA_LINK, lower);
            }
            e.nest(IFLA_LINKINFO, |e| {
                e.text(IFLA_INFO_KIND, kind);
                if let Some((_, id)) = vlan {
                    e.nest(IFLA_INFO_DATA, |e| e.u16(IFLA_VLAN_ID, id));
                }
            });
        });
        self.socket.execute(batch)?;
        // The host has nothing to say on it. Only now: a batch goes on after an error, and
        // would change an older interface of that name.
        let mut batch = Batch::default();
        let label = format!("disable IPv6 autoconfiguration on {name}");
        batch.request(label, SETLINK, ACK, |e| {
            e.raw(&ifinfo(0, false));
            e.text(IFLA_IFNAME, name);
            no_link_local(e);
        });
        match self.socket.execute(batch) {
            // There is no IPv6 here.
            Err(error) if error.errno() == Some(Errno::AFNOSUPPORT) => Ok(()),
            Err(error) => {
                let _ = self.delete_link(name);
                Err(error)
            }
            Ok(_) => Ok(()),
        }
    }
}
