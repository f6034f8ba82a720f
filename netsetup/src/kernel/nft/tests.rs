//! Against the kernel; `nft` only says what the kernel has.

mod packets;
mod redirect;
mod ruleset;
