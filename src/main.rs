//! rbox: containers with Docker's commands and their own networking.

mod engine;

fn main() {}
