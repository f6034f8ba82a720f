//! What all tests share: a process apart, a root filesystem, a container.

mod apart;
mod attacker;
mod container;
mod entered;
mod image;
mod racer;

pub use apart::{apart, close, leave, place, skip};
pub use attacker::{ARGUMENTS, attack_of, attacker, set_attack};
pub use container::{Trial, pipe, read_all, reap};
pub use entered::{end, enter, sleeper};
pub use image::alpine;
pub use racer::Racer;
