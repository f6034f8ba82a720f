//! What rules ask of the network namespace they are in, beside the packet.

use std::net::IpAddr;

/// A network device as rules see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Device {
    /// Interface index.
    pub index: u32,
    /// Interface name.
    pub name: String,
    /// `veth`, `bridge`, …; empty for physical ones.
    pub kind: String,
}

impl Device {
    /// It is loopback.
    pub fn is_loopback(&self) -> bool {
        self.name == "lo"
    }
}

/// Where a packet is: at which hook, with which devices.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Position {
    /// It came in here.
    pub incoming: Option<Device>,
    /// It goes out here.
    pub outgoing: Option<Device>,
    /// Bridge of the incoming port, in the bridge family.
    pub incoming_bridge: Option<String>,
    /// Bridge of the outgoing port, in the bridge family.
    pub outgoing_bridge: Option<String>,
}

/// Kind of an address, by the kernel's `RTN_*` numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddressType {
    /// Another host's.
    Unicast = 1,
    /// This host's.
    Local = 2,
    /// Everyone's on the link.
    Broadcast = 3,
    /// A group's.
    Multicast = 5,
}

/// The namespace's routing tables and addresses.
pub trait Surroundings {
    /// Kind of an address; on one device only if one is given. `None`: the kernel did not say.
    fn address_type(&mut self, address: IpAddr, device: Option<u32>) -> Option<AddressType>;

    /// The device by which an address is reached, by this device only if one is given. The outer
    /// `None`: the kernel did not say; the inner: by none.
    fn device_to(&mut self, address: IpAddr, device: Option<u32>) -> Option<Option<Device>>;

    /// The address that masquerading on a device gives a packet to `destination`.
    fn masquerade_address(&mut self, device: u32, destination: IpAddr) -> Option<IpAddr>;

    /// A device's own first address of a family.
    fn own_address(&mut self, device: u32, ipv6: bool) -> Option<IpAddr>;
}
