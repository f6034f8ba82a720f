//! Commands on networks.

pub mod connect;
pub mod create;
pub mod disconnect;
pub mod explain;
pub mod graph;
pub mod inspect;
pub mod ls;
pub mod prune;
pub mod reload;
pub mod rm;
