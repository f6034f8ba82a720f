//! Turns a network and an endpoint into the steps that make it: pure.
//!
//! ```text
//!  Network ──bridge──▶ BridgeStep ┐
//!  EndpointConfig, Leases ──endpoint──▶ Endpoint + [Bridge, Veth, Publish],
//!                                      on macvlan [Parent, Macvlan, Publish]
//!  all endpoints of a sandbox ──route──▶ [DefaultRoute]
//! ```

pub mod bridge;
pub mod endpoint;
pub mod macvlan;
pub mod names;
pub mod route;
pub mod step;

pub use bridge::bridge;
pub use endpoint::{EndpointRequest, Planned, endpoint};
pub use route::default_route;
pub use step::Step;

pub use crate::model::endpoint_rules::check_endpoint;
