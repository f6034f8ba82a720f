//! Routes of the main table.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::Route;
use super::address::{AF_INET, AF_INET6, family};
use super::attr::Attributes;
use super::error::NetlinkError;
use super::message::{ACK, Batch, CREATE, EXCL, REPLACE};

const NEWROUTE: u16 = 24;
const DELROUTE: u16 = 25;
const GETROUTE: u16 = 26;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_TABLE: u16 = 15;
const TABLE_MAIN: u8 = 254;
const PROTOCOL_BOOT: u8 = 3;
const SCOPE_UNIVERSE: u8 = 0;
const SCOPE_LINK: u8 = 253;
const UNICAST: u8 = 1;
const FLAG_CLONED: u32 = 0x200;
/// Length of `struct rtmsg`.
const RTMSG: usize = 12;

/// One unicast route of the main table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RouteInfo {
    /// Where to; prefix length 0 is the default route.
    pub destination: IpNet,
    /// Through which router; `None` on link, or when there are several.
    pub gateway: Option<IpAddr>,
    /// Through which interface; `None` when there are several.
    pub index: Option<u32>,
    /// Of several routes to one destination the one with the lowest counts.
    pub metric: u32,
}

pub(super) struct RouteTarget<'a> {
    index: u32,
    name: &'a str,
    destination: IpNet,
    gateway: Option<IpAddr>,
}

impl<'a> RouteTarget<'a> {
    pub fn default_via(index: u32, name: &'a str, gateway: IpAddr) -> Self {
        RouteTarget {
            index,
            name,
            destination: everything(gateway),
            gateway: Some(gateway),
        }
    }
}

/// The whole address space of an address's family.
fn everything(like: IpAddr) -> IpNet {
    match like {
        IpAddr::V4(_) => IpNet::V4(ipnet::Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0)),
        IpAddr::V6(_) => IpNet::V6(ipnet::Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 0)),
    }
}

fn rtmsg(family: u8, prefix: u8, scope: u8) -> [u8; RTMSG] {
    [
        family,
        prefix,
        0,
        0,
        TABLE_MAIN,
        PROTOCOL_BOOT,
        scope,
        UNICAST,
        0,
        0,
        0,
        0,
    ]
}

pub(super) fn add_route(batch: &mut Batch, target: &RouteTarget<'_>) {
    write_route(batch, "add", CREATE | EXCL, target);
}

fn write_route(batch: &mut Batch, verb: &str, flags: u16, target: &RouteTarget<'_>) {
    let RouteTarget {
        index,
        name,
        destination,
        gateway,
    } = *target;
    let what = if destination.prefix_len() == 0 {
        "default route".to_owned()
    } else {
        format!("route {destination}")
    };
    let via = gateway
        .map(|gateway| format!(" via {gateway}"))
        .unwrap_or_default();
    batch.request(
        format!("{verb} {what}{via} dev {name}"),
        NEWROUTE,
        ACK | flags,
        |e| {
            let scope = match (gateway, destination) {
                (None, IpNet::V4(_)) => SCOPE_LINK,
                _ => SCOPE_UNIVERSE,
            };
            e.raw(&rtmsg(
                family(destination.addr()),
                destination.prefix_len(),
                scope,
            ));
            if destination.prefix_len() > 0 {
                e.address(RTA_DST, destination.network());
            }
            if let Some(gateway) = gateway {
                e.address(RTA_GATEWAY, gateway);
            }
            e.u32(RTA_OIF, index);
        },
    );
}

fn parse(kind: u16, body: &[u8]) -> Option<RouteInfo> {
    if kind != NEWROUTE {
        return None;
    }
    let header: [u8; RTMSG] = body.get(..RTMSG)?.try_into().ok()?;
    let attributes = Attributes::after(body, RTMSG);
    let table = attributes
        .get_u32(RTA_TABLE)
        .unwrap_or(u32::from(header[4]));
    let flags = u32::from_ne_bytes([header[8], header[9], header[10], header[11]]);
    if table != u32::from(TABLE_MAIN) || header[7] != UNICAST || flags & FLAG_CLONED != 0 {
        return None;
    }
    let address = match (attributes.get_address(RTA_DST), header[0]) {
        (Some(address), _) => address,
        (None, AF_INET) => Ipv4Addr::UNSPECIFIED.into(),
        (None, AF_INET6) => Ipv6Addr::UNSPECIFIED.into(),
        (None, _) => return None,
    };
    Some(RouteInfo {
        destination: IpNet::new(address, header[1]).ok()?.trunc(),
        gateway: attributes.get_address(RTA_GATEWAY),
        index: attributes.get_u32(RTA_OIF),
        metric: attributes.get_u32(RTA_PRIORITY).unwrap_or(0),
    })
}

impl Route {
    /// Adds a route, on link or through a gateway.
    ///
    /// # Errors
    /// [`NetlinkError::is_exists`] when there is one to that destination,
    /// [`NetlinkError::is_missing`] when there is no such interface; the gateway is unreachable.
    pub fn add_route(
        &mut self,
        index: u32,
        destination: IpNet,
        gateway: Option<IpAddr>,
    ) -> Result<(), NetlinkError> {
        let name = self.name_of(index);
        let mut batch = Batch::default();
        add_route(
            &mut batch,
            &RouteTarget {
                index,
                name: &name,
                destination,
                gateway,
            },
        );
        self.socket.execute(batch).map(drop)
    }

    /// Points the default route of the gateway's family here, whether or not there was one.
    ///
    /// # Errors
    /// [`NetlinkError::is_missing`] when there is no such interface; the gateway is unreachable.
    pub fn replace_default(&mut self, index: u32, gateway: IpAddr) -> Result<(), NetlinkError> {
        let name = self.name_of(index);
        let mut batch = Batch::default();
        let target = RouteTarget::default_via(index, &name, gateway);
        write_route(&mut batch, "set", CREATE | REPLACE, &target);
        self.socket.execute(batch).map(drop)
    }

    /// Removes the default route of a family (that of `like`).
    ///
    /// # Errors
    /// [`NetlinkError::is_missing`] when there is none.
    pub fn delete_default(&mut self, like: IpAddr) -> Result<(), NetlinkError> {
        let label = if like.is_ipv4() { "IPv4" } else { "IPv6" };
        let mut batch = Batch::default();
        batch.request(
            format!("remove the {label} default route"),
            DELROUTE,
            ACK,
            |e| {
                // Scope nowhere matches any scope.
                let mut header = rtmsg(family(like), 0, 255);
                header[5] = 0;
                e.raw(&header);
            },
        );
        self.socket.execute(batch).map(drop)
    }

    /// The unicast routes of the main table, both families.
    ///
    /// # Errors
    /// The kernel refuses or answers nonsense.
    pub fn route_table(&mut self) -> Result<Vec<RouteInfo>, NetlinkError> {
        let mut all = Vec::new();
        for family in [AF_INET, AF_INET6] {
            let mut header = [0u8; RTMSG];
            header[0] = family;
            match self.socket.dump("list routes", GETROUTE, &header, parse) {
                Ok(list) => all.extend(list),
                // A kernel without IPv6 has no such routes.
                Err(error)
                    if family == AF_INET6
                        && error.errno() == Some(rustix::io::Errno::OPNOTSUPP) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    /// Destinations of [`Route::route_table`] without default routes: what a new subnet must
    /// not overlap.
    ///
    /// # Errors
    /// As [`Route::route_table`].
    pub fn routes(&mut self) -> Result<Vec<IpNet>, NetlinkError> {
        Ok(destinations(&self.route_table()?))
    }
}

/// Destinations without default routes.
pub fn destinations(table: &[RouteInfo]) -> Vec<IpNet> {
    table
        .iter()
        .map(|r| r.destination)
        .filter(|net| net.prefix_len() > 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_or_foreign_answers_are_no_routes() {
        assert_eq!(parse(NEWROUTE, &[]), None);
        assert_eq!(parse(NEWROUTE, &[AF_INET; 11]), None);
        let mut local_table = rtmsg(AF_INET, 0, 0);
        local_table[4] = 255;
        assert_eq!(parse(NEWROUTE, &local_table), None);
        let mut absurd_prefix = rtmsg(AF_INET, 200, 0);
        assert_eq!(parse(NEWROUTE, &absurd_prefix), None);
        absurd_prefix[1] = 0;
        assert!(parse(NEWROUTE, &absurd_prefix).is_some_and(|r| r.destination.prefix_len() == 0));
    }
}
