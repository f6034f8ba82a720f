//! Addresses of interfaces.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;

use super::Route;
use super::attr::Attributes;
use super::error::NetlinkError;
use super::message::{ACK, Batch, CREATE, EXCL};

const NEWADDR: u16 = 20;
const DELADDR: u16 = 21;
const GETADDR: u16 = 22;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_BROADCAST: u16 = 4;
const IFA_F_NODAD: u8 = 2;
/// Length of `struct ifaddrmsg`.
const IFADDR: usize = 8;
pub(super) const AF_INET: u8 = 2;
pub(super) const AF_INET6: u8 = 10;

/// One address of an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddressInfo {
    /// Interface index.
    pub index: u32,
    /// The interface's own address.
    pub address: IpAddr,
    /// Prefix length.
    pub prefix: u8,
}

pub(super) struct AddressRequest<'a> {
    pub index: u32,
    pub name: &'a str,
    pub address: IpAddr,
    pub prefix: u8,
    pub broadcast: bool,
    pub nodad: bool,
}

pub(super) fn family(address: IpAddr) -> u8 {
    if address.is_ipv4() { AF_INET } else { AF_INET6 }
}

fn ifaddr(family: u8, prefix: u8, flags: u8, index: u32) -> [u8; IFADDR] {
    let mut header = [family, prefix, flags, 0, 0, 0, 0, 0];
    header[4..].copy_from_slice(&index.to_ne_bytes());
    header
}

fn broadcast_of(address: Ipv4Addr, prefix: u8) -> Option<Ipv4Addr> {
    // Point-to-point prefixes have none (RFC 3021).
    Ipv4Net::new(address, prefix)
        .ok()
        .filter(|net| net.prefix_len() < 31)
        .map(|n| n.broadcast())
}

pub(super) fn add_address(batch: &mut Batch, request: &AddressRequest<'_>) {
    let AddressRequest {
        index,
        name,
        address,
        prefix,
        ..
    } = *request;
    let label = format!("add address {address}/{prefix} to {name}");
    let flags = if request.nodad && address.is_ipv6() {
        IFA_F_NODAD
    } else {
        0
    };
    batch.request(label, NEWADDR, ACK | CREATE | EXCL, |e| {
        e.raw(&ifaddr(family(address), prefix, flags, index));
        e.address(IFA_LOCAL, address);
        e.address(IFA_ADDRESS, address);
        if let IpAddr::V4(v4) = address
            && request.broadcast
            && let Some(broadcast) = broadcast_of(v4, prefix)
        {
            e.address(IFA_BROADCAST, broadcast.into());
        }
    });
}

fn parse(kind: u16, body: &[u8]) -> Option<AddressInfo> {
    if kind != NEWADDR {
        return None;
    }
    let header: [u8; IFADDR] = body.get(..IFADDR)?.try_into().ok()?;
    let attributes = Attributes::after(body, IFADDR);
    let address = attributes
        .get_address(IFA_LOCAL)
        .or_else(|| attributes.get_address(IFA_ADDRESS))?;
    let index = u32::from_ne_bytes([header[4], header[5], header[6], header[7]]);
    Some(AddressInfo {
        index,
        address,
        prefix: header[1],
    })
}

impl Route {
    /// Adds an address; `broadcast` also sets the IPv4 broadcast address, `nodad` makes an
    /// IPv6 address usable at once.
    ///
    /// # Errors
    /// [`NetlinkError::is_exists`] when the interface has it, [`NetlinkError::is_missing`] when
    /// there is no such interface.
    pub fn add_address(
        &mut self,
        index: u32,
        address: IpAddr,
        prefix: u8,
        broadcast: bool,
        nodad: bool,
    ) -> Result<(), NetlinkError> {
        let name = self.name_of(index);
        let mut batch = Batch::default();
        let request = AddressRequest {
            index,
            name: &name,
            address,
            prefix,
            broadcast,
            nodad,
        };
        add_address(&mut batch, &request);
        self.socket.execute(batch).map(drop)
    }

    /// Removes an address.
    ///
    /// # Errors
    /// [`NetlinkError::is_missing`] when the interface or the address is not there.
    pub fn delete_address(
        &mut self,
        index: u32,
        address: IpAddr,
        prefix: u8,
    ) -> Result<(), NetlinkError> {
        let label = format!(
            "remove address {address}/{prefix} from {}",
            self.name_of(index)
        );
        let mut batch = Batch::default();
        batch.request(label, DELADDR, ACK, |e| {
            e.raw(&ifaddr(family(address), prefix, 0, index));
            e.address(IFA_LOCAL, address);
            e.address(IFA_ADDRESS, address);
        });
        self.socket.execute(batch).map(drop)
    }

    /// All addresses of the namespace, both families.
    ///
    /// # Errors
    /// The kernel refuses or answers nonsense.
    pub fn addresses(&mut self) -> Result<Vec<AddressInfo>, NetlinkError> {
        self.socket
            .dump("list addresses", GETADDR, &ifaddr(0, 0, 0, 0), parse)
    }

    /// The addresses of one interface, both families. The kernel looks at no other interface.
    ///
    /// # Errors
    /// There is no such interface, or as [`Route::addresses`].
    pub fn addresses_of(&mut self, index: u32) -> Result<Vec<AddressInfo>, NetlinkError> {
        let of_it = |kind, body: &[u8]| parse(kind, body).filter(|info| info.index == index);
        let label = format!("list addresses of interface {index}");
        let mut all = Vec::new();
        for family in [AF_INET, AF_INET6] {
            let header = ifaddr(family, 0, 0, index);
            all.extend(self.socket.dump(&label, GETADDR, &header, of_it)?);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_prefixes_have_no_broadcast_address() {
        let address = Ipv4Addr::new(172, 18, 0, 2);
        assert_eq!(
            broadcast_of(address, 16),
            Some(Ipv4Addr::new(172, 18, 255, 255))
        );
        assert_eq!(
            broadcast_of(address, 30),
            Some(Ipv4Addr::new(172, 18, 0, 3))
        );
        assert_eq!(broadcast_of(address, 31), None);
        assert_eq!(broadcast_of(address, 32), None);
        assert_eq!(broadcast_of(address, 33), None);
    }

    #[test]
    fn short_answers_are_no_addresses() {
        assert_eq!(parse(NEWADDR, &[2, 24, 0]), None);
        assert_eq!(parse(NEWADDR, &[2, 24, 0, 0, 1, 0, 0, 0]), None);
        assert_eq!(parse(DELADDR, &[0; 64]), None);
    }
}
