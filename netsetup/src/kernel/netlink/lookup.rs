//! What the kernel would do with a packet: one route looked up, with policy rules and all; and
//! what a bridge does with the frames of each port.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::Route;
use super::address::{AF_INET, AF_INET6, family};
use super::attr::Attributes;
use super::error::NetlinkError;
use super::link::{GETLINK, IFINFO, IFLA_LINKINFO, NEWLINK, ifinfo};
use super::message::{ACK, Batch};

const NEWROUTE: u16 = 24;
const GETROUTE: u16 = 26;
const RTA_DST: u16 = 1;
const RTA_SRC: u16 = 2;
const RTA_IIF: u16 = 3;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PREFSRC: u16 = 7;
const RTA_TABLE: u16 = 15;
const RTA_MARK: u16 = 16;
const RTA_VIA: u16 = 18;
const RTM_F_LOOKUP_TABLE: u32 = 0x1000;
const RTM_F_FIB_MATCH: u32 = 0x2000;
/// Length of `struct rtmsg`.
const RTMSG: usize = 12;

const IFLA_INFO_SLAVE_KIND: u16 = 4;
const IFLA_INFO_SLAVE_DATA: u16 = 5;
const IFLA_BRPORT_STATE: u16 = 1;
const IFLA_BRPORT_MODE: u16 = 4;
const IFLA_BRPORT_ISOLATED: u16 = 33;

/// A packet whose way is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RouteQuestion {
    /// To where.
    pub destination: IpAddr,
    /// From where; `None` when the kernel is to choose.
    pub source: Option<IpAddr>,
    /// It came in by this interface; `None` when it is this host's own.
    pub incoming: Option<u32>,
    /// It must go out by this interface.
    pub outgoing: Option<u32>,
    /// Its mark.
    pub mark: u32,
}

/// The kernel's answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RouteAnswer {
    /// `RTN_*`: 1 unicast, 2 local, 3 broadcast, 5 multicast, 6 and above refusals.
    pub kind: u8,
    /// Out by this interface.
    pub device: u32,
    /// Through this router; `None` on link.
    pub gateway: Option<IpAddr>,
    /// The source address that it gives.
    pub source: Option<IpAddr>,
    /// The route that decided, and the number of its table, where the kernel says so.
    pub route: Option<(IpNet, u32)>,
}

/// What a bridge does with the frames of a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BridgePort {
    /// Interface index of the port.
    pub index: u32,
    /// `BR_STATE_*`: 3 forwards.
    pub state: u8,
    /// No frames to and from other isolated ports.
    pub isolated: bool,
    /// Frames may leave by the port they came from.
    pub hairpin: bool,
}

impl Route {
    /// Which way a packet would go. The kernel refuses what it would drop: no route, a source
    /// that cannot come from there.
    ///
    /// # Errors
    /// The refusal (`Network is unreachable`, `Invalid cross-device link`), or no answer.
    pub fn look_up(&mut self, question: &RouteQuestion) -> Result<RouteAnswer, NetlinkError> {
        // Of IPv6 the table is always told, and asking for it is refused.
        let table = match question.destination {
            IpAddr::V4(_) => RTM_F_LOOKUP_TABLE,
            IpAddr::V6(_) => 0,
        };
        let mut answer = self.ask(question, table)?;
        // Which of the routes it was is another question, and only for the reader.
        if let Ok(matched) = self.ask(question, table | RTM_F_FIB_MATCH) {
            answer.route = matched.route;
        }
        Ok(answer)
    }

    fn ask(&mut self, question: &RouteQuestion, flags: u32) -> Result<RouteAnswer, NetlinkError> {
        let RouteQuestion {
            destination,
            source,
            incoming,
            outgoing,
            mark,
        } = *question;
        let bits = |address: IpAddr| if address.is_ipv4() { 32 } else { 128 };
        let label = format!("look up the route to {destination}");
        let mut batch = Batch::default();
        batch.request(label.clone(), GETROUTE, ACK, |e| {
            let mut header = [0u8; RTMSG];
            header[0] = family(destination);
            header[1] = bits(destination);
            header[2] = source.map_or(0, bits);
            header[8..].copy_from_slice(&flags.to_ne_bytes());
            e.raw(&header);
            e.address(RTA_DST, destination);
            if let Some(source) = source {
                e.address(RTA_SRC, source);
            }
            if let Some(incoming) = incoming {
                e.u32(RTA_IIF, incoming);
            }
            if let Some(outgoing) = outgoing {
                e.u32(RTA_OIF, outgoing);
            }
            if mark != 0 {
                e.u32(RTA_MARK, mark);
            }
        });
        let replies = self.socket.execute(batch)?;
        replies
            .iter()
            .filter(|reply| reply.kind == NEWROUTE)
            .find_map(|reply| parse(&reply.body))
            .ok_or(NetlinkError::Answer {
                request: label,
                problem: "unreadable",
            })
    }

    /// The ports of all bridges.
    ///
    /// # Errors
    /// The kernel refuses or answers nonsense.
    pub fn bridge_ports(&mut self) -> Result<Vec<BridgePort>, NetlinkError> {
        self.socket.dump(
            "list bridge ports",
            GETLINK,
            &ifinfo(0, false),
            |kind, body| (kind == NEWLINK).then(|| port(body)).flatten(),
        )
    }
}

fn parse(body: &[u8]) -> Option<RouteAnswer> {
    let header: [u8; RTMSG] = body.get(..RTMSG)?.try_into().ok()?;
    let attributes = Attributes::after(body, RTMSG);
    let network = match (attributes.get_address(RTA_DST), header[0]) {
        (Some(address), _) => address,
        (None, AF_INET) => Ipv4Addr::UNSPECIFIED.into(),
        (None, AF_INET6) => Ipv6Addr::UNSPECIFIED.into(),
        (None, _) => return None,
    };
    let table = attributes.get_u32(RTA_TABLE);
    let table = table.unwrap_or(u32::from(header[4]));
    let via = || {
        let via = attributes.get(RTA_VIA)?;
        match via.get(2..)? {
            v4 if v4.len() == 4 => <[u8; 4]>::try_from(v4).ok().map(IpAddr::from),
            v6 => <[u8; 16]>::try_from(v6).ok().map(IpAddr::from),
        }
    };
    Some(RouteAnswer {
        kind: header[7],
        device: attributes.get_u32(RTA_OIF).unwrap_or(0),
        gateway: attributes.get_address(RTA_GATEWAY).or_else(via),
        source: attributes.get_address(RTA_PREFSRC),
        route: IpNet::new(network, header[1])
            .ok()
            .map(|network| (network.trunc(), table)),
    })
}

fn port(body: &[u8]) -> Option<BridgePort> {
    let index = u32::from_ne_bytes(body.get(4..8)?.try_into().ok()?);
    let info = Attributes::after(body, IFINFO).nested(IFLA_LINKINFO);
    if info.get_text(IFLA_INFO_SLAVE_KIND)? != "bridge" {
        return None;
    }
    let data = info.nested(IFLA_INFO_SLAVE_DATA);
    let byte = |kind| data.get(kind).and_then(|value| value.first()).copied();
    Some(BridgePort {
        index,
        state: byte(IFLA_BRPORT_STATE).unwrap_or(0),
        isolated: byte(IFLA_BRPORT_ISOLATED) == Some(1),
        hairpin: byte(IFLA_BRPORT_MODE) == Some(1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::testing::{Lab, apart};

    #[test]
    fn the_kernel_says_which_way() {
        let Some(mut lab) = Lab::new("the_kernel_says_which_way") else {
            return;
        };
        lab.lan("br0", &["10.1.0.1/24"]);
        let index = lab.host.link_index("br0").unwrap().unwrap();
        let question = |to: &str| RouteQuestion {
            destination: to.parse().unwrap(),
            source: None,
            incoming: None,
            outgoing: None,
            mark: 0,
        };
        let answer = lab.host.look_up(&question("10.1.0.9")).unwrap();
        assert_eq!((answer.kind, answer.device), (1, index));
        assert_eq!(answer.source, Some("10.1.0.1".parse().unwrap()));
        let (route, table) = answer.route.unwrap();
        assert_eq!((route.to_string().as_str(), table), ("10.1.0.0/24", 254));
        assert_eq!(lab.host.look_up(&question("10.1.0.1")).unwrap().kind, 2);
        let error = lab.host.look_up(&question("192.0.2.1")).unwrap_err();
        assert!(
            error.to_string().ends_with("Network is unreachable"),
            "{error}"
        );
        lab.lan("br6", &["fd01::1/64"]);
        let index6 = lab.host.link_index("br6").unwrap().unwrap();
        let answer = lab.host.look_up(&question("fd01::9")).unwrap();
        assert_eq!((answer.kind, answer.device), (1, index6));
        assert_eq!(answer.source, Some("fd01::1".parse().unwrap()));
        let mut arriving = question("fd01::1");
        arriving.source = Some("fd01::9".parse().unwrap());
        arriving.incoming = Some(index6);
        assert!(lab.host.look_up(&arriving).is_ok());
        // What claims to come from loopback, by another interface, is refused.
        let mut spoofed = question("10.1.0.1");
        spoofed.source = Some("127.0.0.1".parse().unwrap());
        spoofed.incoming = Some(index);
        assert!(lab.host.look_up(&spoofed).is_err());
    }

    #[test]
    fn ports_have_their_flags() {
        let Some(mut lab) = Lab::new("ports_have_their_flags") else {
            return;
        };
        lab.lan("br0", &["10.1.0.1/24"]);
        let _a = lab.attach_with("br0", &["10.1.0.2/24"], &[], |r| r.isolated = true);
        let _b = lab.attach_with("br0", &["10.1.0.3/24"], &[], |r| r.hairpin = true);
        let ports = lab.host.bridge_ports().unwrap();
        let flags: Vec<_> = ports.iter().map(|p| (p.isolated, p.hairpin)).collect();
        assert_eq!(flags, [(true, false), (false, true)]);
        assert!(apart("ports_have_their_flags"));
        assert!(Route::open().unwrap().bridge_ports().unwrap().is_empty());
    }
}
