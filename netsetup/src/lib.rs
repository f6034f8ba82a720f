//! Container networks without programs or daemons: networks, endpoints, IPAM,
//! firewall, published ports and the embedded resolver.
//!
//! A *sandbox* is a network namespace and the names its owner goes by; this
//! crate knows no image and no OCI. Data flows one way:
//!
//! ```text
//! model (what was asked, pure) ─▶ ipam (leases) ─▶ plan (Vec<Step>, pure)
//!        ─▶ apply (journal, then the kernel) ─▶ kernel (netlink, nftables, netns, sysctl)
//! ```
//!
//! `resolver` and `relay` run inside the container's monitor for as long as
//! the sandbox lives; `files` renders hosts, hostname and resolv.conf.

pub mod apply;
pub mod capture;
pub mod explain;
pub mod files;
pub mod foreign;
pub mod graph;
pub mod ipam;
pub mod kernel;
pub mod model;
pub mod plan;
pub mod relay;
pub mod resolver;
pub mod script;
pub mod store;
