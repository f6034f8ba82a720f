//! Tells the neighbours of an attachment which MAC address its addresses have.
//!
//! An address goes from one container to another, or its container gets another MAC address by
//! `--mac-address`: who had talked to the old one would go on sending there for up to a minute.
//! The kernel says it for us, in the interface's own namespace, so that peers, the host and
//! machines behind an adopted bridge all hear it. It must not speak before the bridge listens:
//! a port passes nothing until the bridge has seen that the other end is up, which the kernel
//! notices a moment later by itself, and since Linux 6.8 at once when somebody asks for the link.

use super::context::Context;
use super::error::ApplyError;
use crate::model::endpoint::Endpoint;

/// Announces the addresses of an endpoint that was made. False when the bridge does not listen
/// yet: try again later. Endpoints without an interface have nothing to say.
///
/// # Errors
/// The kernel refuses; the interface is gone.
pub fn announce(endpoint: &Endpoint, context: &mut Context<'_>) -> Result<bool, ApplyError> {
    let Some(mac) = endpoint.mac.filter(|_| !endpoint.ifname.is_empty()) else {
        return Ok(true);
    };
    if !endpoint.host_ifname.is_empty()
        && let Some(port) = context.host.link(&endpoint.host_ifname)?
        && !port.forwarding
    {
        return Ok(false);
    }
    let inside = context.inside("announce addresses")?;
    let index = match inside.known_index(&endpoint.ifname) {
        Some(index) => Some(index),
        None => inside.link_index(&endpoint.ifname)?,
    };
    if let Some(index) = index {
        inside.announce(index, mac)?;
    }
    Ok(true)
}
