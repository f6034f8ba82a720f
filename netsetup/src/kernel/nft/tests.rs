//! Against the kernel; `nft` only says what the kernel has.

mod lines;
mod packets;
mod redirect;
mod ruleset;
