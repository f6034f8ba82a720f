//! What users ask for and what the records say: pure data and its grammar.

pub mod endpoint;
pub mod mac;
pub mod network;
pub mod port;
pub mod sandbox;
