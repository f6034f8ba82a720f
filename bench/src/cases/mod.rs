//! What is measured: a file a group.

mod bridge;
mod build;
mod disk;
mod layer;
mod ports;
mod registry;
mod resolver;
mod start;
mod transfer;
mod unpack;

use crate::field::Case;

/// All, in the order of the report.
pub const ALL: &[Case] = &[
    start::CASE,
    unpack::CASE,
    transfer::CASE,
    build::CASE,
    bridge::CASE,
    ports::CASE,
    resolver::CASE,
];
