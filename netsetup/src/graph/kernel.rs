//! What only the kernel knows.

use crate::kernel::netlink::{AddressInfo, LinkInfo, NetlinkError, Route, RouteInfo};

/// Links, addresses and routes of the host's namespace at one moment.
#[derive(Clone, Default, Debug)]
pub struct Kernel {
    /// All interfaces.
    pub links: Vec<LinkInfo>,
    /// Their addresses.
    pub addresses: Vec<AddressInfo>,
    /// The main table.
    pub routes: Vec<RouteInfo>,
}

impl Kernel {
    /// Asks the kernel: three dumps, however many containers there are.
    ///
    /// # Errors
    /// The kernel refuses or answers nonsense.
    pub fn read(route: &mut Route) -> Result<Kernel, NetlinkError> {
        Ok(Kernel {
            links: route.links()?,
            addresses: route.addresses()?,
            routes: route.route_table()?,
        })
    }

    /// The interface of this name.
    pub(super) fn link(&self, name: &str) -> Option<&LinkInfo> {
        self.links.iter().find(|link| link.name == name)
    }

    /// The addresses of an interface without those of the link itself, IPv4 first.
    pub(super) fn addresses_of(&self, index: u32) -> Vec<&AddressInfo> {
        let mut addresses: Vec<_> = self
            .addresses
            .iter()
            .filter(|info| info.index == index && !is_link_local(info))
            .collect();
        addresses.sort_by_key(|info| (info.address, info.prefix));
        addresses
    }
}

fn is_link_local(info: &AddressInfo) -> bool {
    matches!(info.address, std::net::IpAddr::V6(ip) if ip.is_unicast_link_local())
}
