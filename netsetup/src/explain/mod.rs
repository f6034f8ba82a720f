//! Explains the path of a packet that is never sent.
//!
//! A small simulator over what the kernel really has: its routes are asked for (so that policy
//! rules count), its nf_tables rulesets are read and interpreted, in every network namespace on the
//! way, whoever made them.
//!
//! ```text
//! ruleset   tables, chains, rules, sets: read by kernel::nft, or written by hand in tests
//! packet    headers as far as known ── bits: bytes of which some bits are not known
//! evaluate  one chain: load, xt, change (translation) ── hook: the chains of a hook in order
//! walk      hooks, routes, bridges, namespaces, one after the other ──▶ story
//! print     rules in nft's words
//! ```
//!
//! What cannot be decoded, or depends on what is not known of a packet that is not sent, makes the
//! answer "cannot tell", with the rule; never a guess.

pub mod atlas;
pub mod bits;
pub mod change;
pub mod evaluate;
pub mod hook;
pub mod listeners;
mod load;
pub mod packet;
pub mod print;
pub mod ruleset;
pub mod story;
pub mod surroundings;
pub mod walk;
pub mod world;
mod xt;

#[cfg(test)]
mod tests;
