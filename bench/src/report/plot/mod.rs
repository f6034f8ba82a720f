//! Pictures of findings, readable on light and dark pages.

mod bars;
mod lines;
mod scale;
mod svg;

pub use bars::table;
pub use lines::curve;
