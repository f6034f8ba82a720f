//! What all tests share: a process apart, a root filesystem, a container.

mod apart;
mod container;
mod image;

pub use apart::{apart, leave, skip};
pub use container::{Trial, pipe, read_all, reap};
pub use image::alpine;
