//! What the commands do.
pub mod request;
