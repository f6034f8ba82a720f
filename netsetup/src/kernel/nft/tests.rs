//! Against the kernel; `nft` only says what the kernel has.

mod gateway_modes;
mod layouts;
mod lines;
mod packets;
mod races;
mod redirect;
mod ruleset;
