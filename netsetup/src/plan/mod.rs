//! Turns a network and an endpoint into the steps that make it: pure.

pub mod step;

pub use step::Step;
