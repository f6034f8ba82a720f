//! Address pools and leases.
//!
//! [`pools`] chooses subnets and [`addresses`] candidates, both pure. [`lease`] makes a
//! candidate somebody's: one file an address, whose creation decides between competitors.

pub mod addresses;
pub mod lease;
pub mod pools;

pub use lease::{Lease, LeaseError, LeaseRequest, Leases};
