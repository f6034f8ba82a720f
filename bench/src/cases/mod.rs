//! What is measured: a file a group.

mod bridge;
mod build;
mod disk;
mod flask;
mod layer;
mod looking;
mod many;
mod memory;
mod oci;
mod ports;
mod registry;
mod resolver;
mod scale;
mod size;
mod start;
mod trace;
mod transfer;
mod unpack;

use crate::field::Case;

/// All, in the order of the report.
pub const ALL: &[Case] = &[
    start::CASE,
    trace::CASE,
    oci::CASE,
    flask::CASE,
    many::CASE,
    scale::CASE,
    memory::CASE,
    looking::CASE,
    bridge::CASE,
    ports::CASE,
    resolver::CASE,
    size::CASE,
    unpack::CASE,
    transfer::CASE,
    build::CASE,
];
