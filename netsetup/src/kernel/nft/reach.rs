//! Published ports that are reachable at the container's own address.

use std::net::IpAddr;

use super::element::Element;
use super::set::{self, Set};
use super::{Nft, NftError};
use crate::model::port::ContainerPort;

impl Nft {
    /// Opens ports at a container's address: to everybody when `interfaces` is its network's
    /// bridge, else to what comes in by these.
    ///
    /// # Errors
    /// The table is missing, the kernel refuses.
    pub fn reach_add(
        &mut self,
        ports: &[ContainerPort],
        at: IpAddr,
        interfaces: &[String],
        owner: &str,
    ) -> Result<(), NftError> {
        let label = format!("open ports of {owner}");
        self.put(&label, &elements(ports, at, interfaces, owner))
    }

    /// Whether all that [`Nft::reach_add`] would add is there.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn reach_present(
        &mut self,
        ports: &[ContainerPort],
        at: IpAddr,
        interfaces: &[String],
        owner: &str,
    ) -> Result<bool, NftError> {
        self.holds(&elements(ports, at, interfaces, owner))
    }

    /// Shuts them again. Those that are gone, or have another owner by now, are left alone.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn reach_remove(
        &mut self,
        ports: &[ContainerPort],
        at: IpAddr,
        interfaces: &[String],
        owner: &str,
    ) -> Result<(), NftError> {
        let label = format!("shut ports of {owner}");
        self.take_back(&label, &elements(ports, at, interfaces, owner), owner)
    }
}

pub(super) fn elements(
    ports: &[ContainerPort],
    at: IpAddr,
    interfaces: &[String],
    owner: &str,
) -> Vec<(Set, Element)> {
    let set = Set::Reachable(set::family(at));
    let mut all = Vec::new();
    for port in ports {
        for interface in interfaces {
            let mut key = set::address(at);
            key.extend(set::interface(interface));
            key.extend(set::protocol(set::protocol_number(port.protocol)));
            key.extend(set::port(port.port));
            let element = Element {
                key_end: Some(key.clone()),
                key,
                data: None,
                owner: owner.to_owned(),
            };
            all.push((set, element));
        }
    }
    all
}
