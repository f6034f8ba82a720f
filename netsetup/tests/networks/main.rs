//! Networks on the running kernel. Each test has a network and a mount namespace of its own
//! thread, so that nothing of it touches the machine.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod attach;
mod crossing;
mod live;
mod place;
mod recover;
mod store;
