//! What the stories stand on: a host to itself for every test, images, and the
//! check that nothing is left behind.

mod beside;
mod build;
pub mod bundle;
mod client;
pub mod dns;
mod faulty;
mod host;
mod ids;
mod images;
mod inside;
mod leak;
mod neighbour;
mod output;
pub mod pcapng;
mod project;
pub mod registry;
pub mod runtime;
mod skip;
mod state;
mod tar;
mod terminal;
mod wait;
mod who;

pub use beside::{Dockerd, Firewalld, Podman, Ufw};
pub use bundle::Bundle;
pub use client::{Client, installed};
pub use faulty::{Fault, Faulty};
pub use host::{Host, kill};
pub use ids::{leases, remapped, root_of};
pub use images::archive;
pub use inside::{ask, ask_udp, inside};
pub use neighbour::{HOST_ADDRESS, Neighbour};
pub use output::Output;
pub use project::Project;
pub use registry::{Parts, Registry};
pub use runtime::Runtime;
pub use skip::skip;
pub use tar::Tar;
pub use terminal::Terminal;
pub use wait::{eventually, patience, wait_until};
