//! What is measured: a file a group.

mod bridge;
mod build;
mod disk;
mod layer;
mod oci;
mod ports;
mod registry;
mod resolver;
mod size;
mod start;
mod transfer;
mod unpack;

use crate::field::Case;

/// All, in the order of the report.
pub const ALL: &[Case] = &[
    start::CASE,
    oci::CASE,
    bridge::CASE,
    ports::CASE,
    resolver::CASE,
    unpack::CASE,
    transfer::CASE,
    build::CASE,
    size::CASE,
];
