//! The kernel's side: netlink, nftables, namespaces, sysctl. Effects, no policy.
//!
//! Everything here is synchronous. Netlink answers are queued before `send`
//! returns, so nothing ever blocks in a receive. A socket belongs to the
//! network namespace it was opened in: open one inside the sandbox
//! ([`netlink::Route::open_in`]) and use it from anywhere.

pub mod conntrack;
pub mod look;
pub mod netlink;
pub mod netns;
pub mod nft;
pub mod sysctl;

#[cfg(test)]
pub(crate) mod testing;
