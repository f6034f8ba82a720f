//! A picture of the wiring: the host's ways out, networks, and what is plugged into them.
//!
//! ```text
//!  records, endpoints, ports (state on disk) ┐
//!  links, addresses, routes (Kernel::read)   ┴─ Graph::new ─▶ Graph ─▶ text | dot | svg | json
//! ```
//!
//! State on disk says what there should be; the kernel says whether it is there. What somebody
//! deleted is drawn, too, as missing. All but [`Kernel::read`] is pure, and the same facts give
//! the same bytes. Names are hostile input: each renderer has its own way to make them harmless.

mod dot;
mod kernel;
mod label;
mod model;
mod plan;
mod svg;
mod text;

pub use dot::dot;
pub use kernel::Kernel;
pub use model::{
    Address, BridgeNode, EndpointNode, Family, Graph, HostEnd, HostNode, Leaving, NetworkNode,
    State, WayOut,
};
pub use plan::Attached;
pub use svg::svg;
pub use text::text;

#[cfg(test)]
mod testing;
